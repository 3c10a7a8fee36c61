"""Orders, as the back office sees them."""
