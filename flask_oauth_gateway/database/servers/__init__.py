"""The database's servers: what stands before them, standbys that take over, replicas that are read from."""
