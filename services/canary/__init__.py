"""The canary: a trivial service behind its own Toxiproxy, whose latency on the idle lab says how fast the host is."""
