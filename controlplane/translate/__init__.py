"""Model -> resources: pure, and nearly one to one."""
