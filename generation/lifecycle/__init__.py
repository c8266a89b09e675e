"""The life and end of a generation: its claims, its attempts, its one end, its answer."""
