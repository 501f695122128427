"""Pure decisions: which endpoint of a cluster."""
