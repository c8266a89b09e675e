"""Parts of an endpoint under /v1: bodies, queries, objects, errors, documents."""
