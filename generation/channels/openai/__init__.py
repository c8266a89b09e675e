"""OpenAI's images wire format, as spoken by OpenAI and most relays."""
