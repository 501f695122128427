"""The embedded router: which agents fit a conversation, without asking any model elsewhere."""
