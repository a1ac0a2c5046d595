"""Definition files: YAML with positions, and every problem in it by file, line and column."""
