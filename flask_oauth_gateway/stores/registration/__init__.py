"""Clients that programs registered by themselves: what only these have."""
