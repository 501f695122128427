"""What must be remembered from one request to the next, and where."""
