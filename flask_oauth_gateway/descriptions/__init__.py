"""Describes clients, tokens, keys and issuers for the command line, the pages and the management API."""
