"""How often links were opened."""
