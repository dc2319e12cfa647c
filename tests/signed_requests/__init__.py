"""Signed authorization requests (RFC 9101): by value, pushed, by URL, and encrypted."""
