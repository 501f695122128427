"""Bedrock Converse: one file per direction, and what they share."""
