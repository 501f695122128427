"""Requests are held to limits: which ones, how much, and what clients are told of it."""
