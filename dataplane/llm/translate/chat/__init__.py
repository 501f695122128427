"""OpenAI chat completions, as a client speaks it and as a provider does."""
