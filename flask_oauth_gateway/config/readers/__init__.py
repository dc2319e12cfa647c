"""Readers of values that take a file of their own, one each; the others are in `checks.py`, or beside their setting."""
