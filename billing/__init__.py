"""What it costs and what was charged: prices, the ledger, budgets, usage."""
