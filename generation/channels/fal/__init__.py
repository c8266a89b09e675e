"""fal's queue, for any of its image models."""
