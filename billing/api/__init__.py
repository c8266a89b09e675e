"""A tenant's questions about its money: balance, usage, prices, and when it is charged."""
