"""Small tools with no domain in them. Imports no app."""
