"""OpenID Connect: who the user is, for programs that sign people in here."""
