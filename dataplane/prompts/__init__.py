"""What prompt targets are asked and what is made of their answers; pure."""
