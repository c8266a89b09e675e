"""Generations of a workspace: listed, told, and their pictures."""
