"""A user allows a client something: the authorization request, its checks, the consent and the answer."""
