"""The ledger: its proofs and its transfers."""
