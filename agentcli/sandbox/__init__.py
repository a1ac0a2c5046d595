"""What confines tools: paths, processes, network."""
