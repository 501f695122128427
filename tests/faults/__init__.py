"""Sixteen faults of providers, and what a gateway makes of them, one by one and all at once."""
