"""Charges to customers' accounts."""
