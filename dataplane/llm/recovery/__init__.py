"""A stream that breaks after its client has a part of it: how another one goes on in its place."""
