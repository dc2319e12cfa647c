"""Walks an MCP client's way from the first 401 to the token, at any server, and says what it would trip over."""
