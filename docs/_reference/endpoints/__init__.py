"""`docs/endpoints.md` and `docs/endpoints.json`: the endpoints for programs, as a page and in OpenAPI 3.1."""
