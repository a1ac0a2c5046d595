"""What differs between two runs: what went in, what happened, and what it came to."""
