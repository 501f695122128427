"""What the control plane finds out by itself, outside of any config."""
