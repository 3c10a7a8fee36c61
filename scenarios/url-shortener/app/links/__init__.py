"""Short links: making them, and sending on who opens one."""
