"""The proof that the ledger and the generations agree."""
