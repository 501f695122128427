"""What an operator writes under `filters[].config`, by `type`."""
