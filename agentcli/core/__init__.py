"""Pure data: messages, events, runs, tools, limits, ids. No I/O."""
