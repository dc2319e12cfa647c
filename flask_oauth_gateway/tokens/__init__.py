"""Tokens: issued, read and revoked, with the keys that sign them."""
