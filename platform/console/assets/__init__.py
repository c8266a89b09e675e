"""The style sheet's source, and the script that fetches vendored files."""
