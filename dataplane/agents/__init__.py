"""Which agents run, in what order, and what each is told; pure."""
