"""One file per command: parse, one use case, render."""
