"""Who is calling and how much they may ask for: users, tenants, API keys, the audit log."""
