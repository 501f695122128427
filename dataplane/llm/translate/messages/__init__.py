"""Anthropic Messages: one file per direction, and what they share."""
