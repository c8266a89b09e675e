"""Values and their notation: money, ids, times, addresses, cells, errors."""
