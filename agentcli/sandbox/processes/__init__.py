"""Programs run confined: what is seen, what is refused, what may be used up. docs/sandbox.md has the threat model."""
