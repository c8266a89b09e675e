"""Replicate's predictions, for any of its image models."""
