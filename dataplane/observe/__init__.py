"""What the data plane says about itself: records, metrics, traces."""
