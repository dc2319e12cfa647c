"""The stores: a file for each thing that is kept in the database."""
