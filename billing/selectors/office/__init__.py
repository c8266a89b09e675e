"""The office's reads: balances, statements, reports, the ledger's proof."""
