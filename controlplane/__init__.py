"""The control plane: turns an operator's file into a consistent snapshot and streams it."""
