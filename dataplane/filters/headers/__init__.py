"""Sets and removes headers of requests and answers."""
