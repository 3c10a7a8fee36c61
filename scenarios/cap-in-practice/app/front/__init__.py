"""The way in to both sites."""
