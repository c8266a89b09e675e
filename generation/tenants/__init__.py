"""What tenants do with their own generations, and what is kept of them."""
