"""The shell that accepts requests: listeners, the front, the relay and the exchange."""
