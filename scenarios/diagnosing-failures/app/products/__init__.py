"""What customers see of the shop's products."""
