"""What operators and their tools talk to: gRPC services and an HTTP port."""
