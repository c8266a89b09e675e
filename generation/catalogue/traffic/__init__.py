"""Channels' health: state changes, results of calls, and vendors' errors."""
