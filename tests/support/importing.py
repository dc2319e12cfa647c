"""What the tests of imports share."""

IMPORT_SCOPES = {"READ": "Read", "WRITE": "Write"}
