"""Generations of all tenants: the reasons for their result, their costs, refunds and credits."""
