"""What operators and their tools read of a data plane."""
