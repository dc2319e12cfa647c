"""What is kept: a file for each thing that is stored."""
