"""A site: its notes, and what it tells the other one."""
