"""Margins by tenant, model, channel or price row, over time."""
