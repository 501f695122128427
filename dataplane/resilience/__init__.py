"""What to do when something fails: pure, time and chance are passed in."""
