"""What is SQLite's alone: databases in memory, and the journal of a file."""
