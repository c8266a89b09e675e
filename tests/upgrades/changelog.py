"""Releases as the changelog lists them."""

import re


def releases(changelog: str) -> list[str]:
    """Released versions, the newest first."""
    return re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)
