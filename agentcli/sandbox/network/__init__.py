"""The web as tools may reach it: one path, on which every address is checked and the checked one is connected to."""
