"""Built-in tools and the registry."""
