"""The parts of bisecting: the search, the user's check, the candidates, the commits."""
