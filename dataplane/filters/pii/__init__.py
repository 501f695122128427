"""Redaction of personal data, and its way back."""
