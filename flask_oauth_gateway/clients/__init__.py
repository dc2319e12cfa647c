"""The clients and applications that may call: their registries, and what a registration may hold."""
