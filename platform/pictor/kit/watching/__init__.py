"""A process's reports on itself: log, metrics, checks of its settings."""
