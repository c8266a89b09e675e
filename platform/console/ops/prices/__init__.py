"""Prices: what is charged and what is earned on it, drafted, decided on and taken back."""
