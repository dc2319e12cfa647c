"""Who else is believed: JWT and SAML assertions."""
