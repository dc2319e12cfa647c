"""What pages say of this site, of the client that asks, and of what it would get: in words that a customer understands."""
