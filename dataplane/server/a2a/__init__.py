"""Agent2Agent over HTTP: agents that are asked in it, and listeners that answer in it."""
