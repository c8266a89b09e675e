"""A workspace's settings, its members, and its deletion."""
