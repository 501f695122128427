"""What is personal or secret in a text: who recognises what."""
