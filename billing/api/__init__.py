"""What a tenant asks about its money: balance, usage, prices, when it is charged."""
