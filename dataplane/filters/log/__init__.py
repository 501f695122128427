"""Requests and answers, written down for the operator."""
