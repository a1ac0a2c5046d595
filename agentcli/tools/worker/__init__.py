"""The process that people's own tools run in: `guard` and `serve` inside it, `process` and `crew` outside."""
