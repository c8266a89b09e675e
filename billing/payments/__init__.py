"""Payments by card: what a provider is asked (`port.py`), and the providers, a package each."""
