"""One module per protocol: what we must read of a body, the rest kept verbatim."""
