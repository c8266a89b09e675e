"""A request in the making, and as code that sends it."""
