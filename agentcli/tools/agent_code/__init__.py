"""The code of custom agents: `client` inside the sandbox, `requests` and `confined` outside of it."""
