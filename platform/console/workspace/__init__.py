"""The tenant console: what a workspace's people see of it and do in it."""
