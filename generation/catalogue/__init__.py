"""The operator's offer, which a request's journey only reads."""
