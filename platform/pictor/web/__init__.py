"""Between the ASGI server and the views: edge, S3 pass-through, body gate, /v1 handler, site."""
