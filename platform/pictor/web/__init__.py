"""From the connection to the views: protocol, edge, S3 pass-through, body gate, handlers."""
