"""The audit log of a workspace, and its events as pages tell them."""
