"""Prompt listeners: the flow of one conversation through its targets, and its answers."""
