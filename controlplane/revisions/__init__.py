"""What was applied, by whom, when."""
