"""Generations of all tenants: why they came out so, what they cost, and making them good."""
