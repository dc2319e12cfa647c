"""Stores what users know of the tokens that they made for themselves: their names, and when each was last used from where."""
