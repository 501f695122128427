"""The embedded router: which agents fit a conversation, decided in this process without a model call."""
