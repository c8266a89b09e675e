"""What an endpoint under /v1 is made of: bodies, queries, objects, errors, documents."""
