"""The access tokens' table in partitions by the second of their issue, with which their keys begin (PostgreSQL alone)."""
