"""Callers and their limits: users, tenants, API keys, the audit log."""
