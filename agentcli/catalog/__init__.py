"""Templates on disk: discover, load, validate, render."""
