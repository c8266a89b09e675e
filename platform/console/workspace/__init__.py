"""The tenant console: the pages of a workspace for its members."""
