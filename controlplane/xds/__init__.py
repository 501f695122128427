"""The delta ADS transport: pure folds per subscription and stream, one grpc.aio shell."""
