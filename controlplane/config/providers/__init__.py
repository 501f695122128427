"""Well-known model providers: where they are, what can be asked of them and how."""
