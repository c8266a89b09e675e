"""Channels: who serves, how well and at what cost; and what operators do with them."""
