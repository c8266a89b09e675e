"""Vendors' bills beside our own booking: read, matched, and taken or disputed line by line."""
