"""Between the ASGI server and the views: edge, body gate, /v1 handler, S3 pass-through."""
