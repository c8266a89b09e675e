"""A workspace's audit log, and events as pages show them."""
