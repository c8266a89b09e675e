"""Parts of both consoles, without knowledge of workspaces or of the operator's pages."""
