"""Shared price lists: the list of them, and one with its prices, books and tenants."""
