"""The form that makes or changes a key, filled in."""

FORM = {
    "mode": "live",
    "name": "production",
    "scopes": ["images:write", "images:read"],
    "default_response_format": "",
}
