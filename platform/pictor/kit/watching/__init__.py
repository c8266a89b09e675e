"""What a process says of itself: log, metrics, checks of its settings."""
