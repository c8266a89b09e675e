"""Where images live and for how long."""
