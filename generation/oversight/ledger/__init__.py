"""The proof that the ledger and the generations say the same."""
