"""Listeners of ours that speak the Model Context Protocol."""
