"""Workflows: the step graph (`graph_run`), one step of it (`step_run`), and what they need from outside (`ports`)."""
