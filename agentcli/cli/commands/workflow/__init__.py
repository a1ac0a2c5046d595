"""One file a command of `agentcli workflow`: parse, one use case, render."""
