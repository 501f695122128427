"""Steps a request passes before it is routed; pure, I/O by effects."""
