"""Charges the rides that wait for it."""
