"""The audit trail: its entries, and the chain that shows whether somebody changed them."""
