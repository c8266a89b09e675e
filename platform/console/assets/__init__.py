"""The style sheet's source, and what fetches others' files."""
