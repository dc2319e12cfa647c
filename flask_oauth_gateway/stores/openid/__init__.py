"""Stores what OpenID Connect keeps: who is signed in at which client, and the logouts that clients must still be told."""
