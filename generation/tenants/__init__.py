"""Tenants' actions on their own generations, and the data kept about them."""
