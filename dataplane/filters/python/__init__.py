"""Filters that are classes of yours, in the data plane."""
