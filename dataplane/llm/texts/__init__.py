"""Where texts stand in requests and answers, whatever the protocol."""
