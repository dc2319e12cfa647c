"""What the command line, the pages and the management API say of a thing."""
