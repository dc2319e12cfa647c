"""Verifies JWT and SAML assertions, by which others vouch for a user or a client."""
