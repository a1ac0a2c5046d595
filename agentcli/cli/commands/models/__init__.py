"""One file a command of `agentcli models`: parse, one use case, render."""
