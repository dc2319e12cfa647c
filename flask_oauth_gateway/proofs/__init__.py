"""What a client proves with a request beyond its token: that it holds the key to which tokens are bound."""
