"""The project package: settings, entry points, the supervisor and the kit."""

__version__ = "0.2.0"
