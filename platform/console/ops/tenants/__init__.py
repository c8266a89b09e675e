"""The pages of tenants: their money, risks, keys, members and limits."""
