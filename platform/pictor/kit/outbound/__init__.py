"""HTTP to others: the client, its deadlines and caps, and where it may connect to."""
