"""The Model Context Protocol: messages, generations, and how several servers are one. Pure."""
