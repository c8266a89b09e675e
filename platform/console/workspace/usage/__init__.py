"""Usage: charges and figures of a period, read only from the rollups."""
