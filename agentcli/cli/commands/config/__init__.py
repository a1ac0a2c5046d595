"""One file a command of `agentcli config`: parse, one use case, render."""
