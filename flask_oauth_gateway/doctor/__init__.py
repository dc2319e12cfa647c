"""Finds what is weak in a running server, by RFC 9700 and OAuth 2.1: tables of checks."""
