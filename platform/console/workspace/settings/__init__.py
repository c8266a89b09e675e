"""Settings of a workspace, its members, and its end."""
