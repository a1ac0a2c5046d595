"""The SQLite store of runs: events, blobs, redaction, ownership."""
