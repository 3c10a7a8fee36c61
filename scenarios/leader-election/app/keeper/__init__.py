"""Keeps the journal. There are two keepers, in two buildings; one of them leads."""
