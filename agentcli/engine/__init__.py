"""The deterministic executor: a function of manifest, inputs and effect results."""
