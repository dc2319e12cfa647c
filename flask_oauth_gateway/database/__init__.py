"""The gateway's own connections and tables."""
