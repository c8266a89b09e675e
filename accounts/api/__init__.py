"""The endpoints of /v1 by which a key manages its account's keys."""
