"""The scopes and resources that a request may ask for."""
