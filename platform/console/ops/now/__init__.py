"""The overview: open conditions, and the figures of today."""
