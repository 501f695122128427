"""Attempts to make a model forget whose instructions it follows."""
