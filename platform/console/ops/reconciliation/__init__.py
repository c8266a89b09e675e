"""Reconciliation of vendors' bills with our ledger."""
