"""`agentcli workflow`: prompt lists and step graphs."""
