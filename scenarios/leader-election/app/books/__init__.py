"""What `desk` and the keepers share: the inbox and the journal."""
