"""Pure decisions: which route, which candidate."""
