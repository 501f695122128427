"""Each protocol's way into the hub's form and out of it; one file per direction."""
