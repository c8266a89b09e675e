"""A workspace's data as files, made by the short-work worker."""
