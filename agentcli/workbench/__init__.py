"""One use case per file; wiring.py is the only composition root."""
