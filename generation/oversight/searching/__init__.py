"""Operators' search over generations and refused requests of all tenants, page by page."""
