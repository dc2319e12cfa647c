"""The gateway's own database connections and tables."""
