"""The office's reads of keys, members, people and tenants."""
