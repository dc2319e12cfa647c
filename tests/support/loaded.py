"""Importing this loads all that another process of the tests may need: for the server that forks them, and for it alone."""

from tests.support import warm

warm.load()
