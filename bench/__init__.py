"""Measures what the gateway costs: `make bench`, or `python -m bench`."""
