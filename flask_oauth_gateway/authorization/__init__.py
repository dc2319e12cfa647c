"""A user lets a client have something."""
