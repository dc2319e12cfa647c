"""The endpoints that end tokens: for the client that holds one, and for whoever found one that has leaked."""
