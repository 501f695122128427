"""Instructions and messages that every request gets."""
