"""How a data plane learns its config: the only package that knows the wire."""
