"""The shop's product pages."""
