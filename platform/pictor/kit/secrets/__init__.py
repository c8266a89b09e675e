"""Secrets: encryption, seals, passes."""
