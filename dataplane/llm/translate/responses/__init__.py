"""OpenAI Responses: items in, items out, and a stream that tells each item's life."""
