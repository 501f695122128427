"""Who may spend what of the limits that all data planes share."""
