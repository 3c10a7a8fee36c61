"""Clients of what others serve, each with bounded calls and typed answers."""
