"""Consistent sets of resources."""
