"""What we know of the APIs that models and agents speak; pure."""
