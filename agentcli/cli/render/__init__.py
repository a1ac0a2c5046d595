"""Subscribers that turn events into what people and scripts see."""
