"""Answers that must be JSON of a certain form."""
