"""Channels: their traffic, health and costs, and the operators' actions on them."""
