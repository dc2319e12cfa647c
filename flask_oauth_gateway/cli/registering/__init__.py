"""What registers clients, and lets programs register them: the options of a client, and initial access tokens."""
