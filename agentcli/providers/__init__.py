"""Models: one module per wire format, and what they share: HTTP, server-sent events, retry, fallback, prices."""
