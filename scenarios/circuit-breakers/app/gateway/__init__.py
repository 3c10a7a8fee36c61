"""The shop's front door."""
