"""A workspace's generations: lists, details and their pictures."""
