"""Seats for four evenings."""
