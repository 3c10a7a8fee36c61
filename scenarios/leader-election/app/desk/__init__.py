"""Where entries are handed in and looked up."""
