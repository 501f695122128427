"""Connections to those we call."""
