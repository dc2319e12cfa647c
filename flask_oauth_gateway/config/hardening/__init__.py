"""Settings of what goes beyond plain OAuth: pushed and signed requests, tokens that are bound to a key, and profiles."""
