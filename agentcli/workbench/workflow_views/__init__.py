"""A workflow as it is looked at: its steps in order, as a chart in Mermaid's words, as a picture."""
