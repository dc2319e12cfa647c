"""What is given, checked and revoked."""
