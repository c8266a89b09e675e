"""Bytes of any length in flat memory: spools, base64, compressed bodies, JSON, forms."""
