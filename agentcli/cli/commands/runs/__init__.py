"""One file a command of `agentcli runs`: parse, one use case, render."""
