"""Values and how they are written: money, ids, times, addresses, cells, errors."""
