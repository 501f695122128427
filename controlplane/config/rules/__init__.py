"""What must hold in a config beyond its shape; one module per part of the file."""
