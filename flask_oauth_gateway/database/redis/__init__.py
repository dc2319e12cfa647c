"""Redis, where the processes of a gateway share counts and news: one server, Sentinels or a Cluster."""
