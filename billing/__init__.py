"""Prices, the ledger, budgets and usage."""
