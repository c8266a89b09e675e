"""Prices: books with their margins; drafts, publication and withdrawal."""
