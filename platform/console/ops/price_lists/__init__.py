"""Price lists that tenants share: which there are, and one with its prices, books and tenants."""
