"""Words that may not, or must, be said."""
