"""What is kept, and how: the schema, the connections, and a file per thing stored."""
