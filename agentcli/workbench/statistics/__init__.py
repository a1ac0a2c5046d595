"""Figures over many runs: what is counted, by what, and how durations are summed up."""
