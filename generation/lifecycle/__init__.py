"""How a generation lives and ends: its claims, its attempts, its one end, its answer."""
