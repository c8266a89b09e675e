"""The project package: settings, entry points, the supervisor and the kit."""
