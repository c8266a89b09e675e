"""Tools of a running process: turns, plugs, retries, pauses, vital threads and tasks."""
