"""One file a command of `agentcli tools`: parse, one use case, render."""
