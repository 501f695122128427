"""What an operator writes: its shape, its reading, its checks."""
