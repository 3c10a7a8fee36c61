"""Rides as drivers report them."""
