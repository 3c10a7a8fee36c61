"""What `rides` and `worker` share: the queue between them, and the charges."""
