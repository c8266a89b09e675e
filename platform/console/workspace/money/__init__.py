"""Billing: the balance, the ledger with its proof, statements."""
