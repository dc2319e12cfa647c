"""What a request carries, and what an answer looks like."""
