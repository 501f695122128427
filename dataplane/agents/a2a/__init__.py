"""Agent2Agent, 1.0 and 0.3, as a client and as a server of it; pure."""
