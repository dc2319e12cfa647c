"""The observers: audit trail, metrics and traces. They watch what happens, and no other part calls them."""
