"""The operator's offer, which requests only read, and channels' health, which workers record."""
