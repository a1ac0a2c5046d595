"""Watching templates, tools and configuration."""
