"""What a request may ask for: scopes and resources."""
