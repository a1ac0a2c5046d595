"""One file a command of `agentcli agents`: parse, one use case, render."""
