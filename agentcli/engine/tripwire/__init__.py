"""A tripwire for texts that try to instruct the model: it flags what is well known, and protects from nothing."""
