"""What processes do without being asked: the worker's loop, the reaper, the clearing up."""
