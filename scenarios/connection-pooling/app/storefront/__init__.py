"""What customers see of the shop."""
