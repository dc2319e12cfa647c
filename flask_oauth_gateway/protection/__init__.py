"""What guards a view."""
