"""A request being prepared, and the code that sends it."""
