"""Who may call: the registry of clients and applications."""
