"""Outbound HTTP: the client, its deadlines and caps, and the addresses it may connect to."""
