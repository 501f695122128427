"""The data plane: a proxy that routes with what the control plane streams to it."""
