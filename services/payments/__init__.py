"""The payments provider that scenarios share: somebody else's service, with a capacity of its own."""
