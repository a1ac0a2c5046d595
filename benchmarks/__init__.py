"""Measurements, run by hand or by `make bench`; the tests never time anything."""
