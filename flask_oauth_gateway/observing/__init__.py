"""Who watches what happens; nobody calls them."""
