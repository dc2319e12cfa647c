"""Mutual TLS: where a certificate comes from, who is believed, what it proves, and what is bound to it."""
