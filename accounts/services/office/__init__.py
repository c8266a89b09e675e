"""The office's changes to people, tenants, members and keys."""
