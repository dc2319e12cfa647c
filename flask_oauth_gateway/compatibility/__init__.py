"""`OAUTH_COMPATIBILITY`: answers in the shape that another gateway's clients expect. One file a gateway, loaded where it is on.

Each has `rewrite`, for the answers of the endpoints, which is given the stores of clients and approvals to look things up,
and `refuse`, for the answers of protected views. What is decided, stored and checked stays the same; what a client may send
otherwise is read where requests are read (`web/request.py`, `permissions/scopes.py`).
"""
