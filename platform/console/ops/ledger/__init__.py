"""The ledger: is it right, and what moved?"""
