"""A `client_id` that is the URL of a metadata document."""
