"""`OAUTH_COMPATIBILITY`: answers in the shape that another gateway's clients expect. One file a gateway, loaded where it is on.

Each file has `rewrite`, for the answers of the endpoints, which gets the stores of clients and approvals for look-ups,
and `refuse`, for the answers of protected views. Decisions, checks and stored data stay the same. The other gateway's
forms of requests are read where all requests are read (`web/request.py`, `permissions/scopes.py`).
"""
