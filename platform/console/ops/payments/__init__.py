"""Payments by card, where a provider's key is set."""
