"""Who calls: credentials of a request's head, certificates of a connection."""
