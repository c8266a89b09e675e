"""Redis or Valkey: the clients of a process, its cache, and the short-work worker's bell."""
