"""The forms in which a run leaves the journal: one module a form, and `formats.py` which lists them."""
