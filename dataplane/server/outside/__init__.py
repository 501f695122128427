"""What filters ask of the world besides HTTP: sinks and caches."""
