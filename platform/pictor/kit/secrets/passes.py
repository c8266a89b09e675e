"""Passes: signed texts that let their bearer do one thing until a time. Pure; none is stored.

    pass = SECONDS.SIGNATURE, the signature an HMAC-SHA-256 over the purpose and the seconds

The seconds count from 1970. A pass can be used repeatedly until it ends, and cannot be revoked.
"""

import hmac
import re
from datetime import datetime

OPEN_DEMO = "open the demo workspace"
"""The purpose of the link that `make run` prints."""
_PASS = re.compile(r"([0-9]{1,12})\.([0-9a-f]{64})", re.ASCII)


def issue(purpose: str, *, secret: str, until: datetime) -> str:
    """Return a pass for the purpose, good until that time."""
    ends = str(int(until.timestamp()))
    return f"{ends}.{_signature(purpose, ends, secret)}"


def is_good(text: str, purpose: str, *, secret: str, now: datetime) -> bool:
    """True if the text is our pass for the purpose and has not ended."""
    match = _PASS.fullmatch(text)
    if match is None:
        return False
    is_ours = hmac.compare_digest(match[2], _signature(purpose, match[1], secret))
    return is_ours and now.timestamp() < int(match[1])


def _signature(purpose: str, ends: str, secret: str) -> str:
    return hmac.digest(secret.encode(), f"pass {purpose} {ends}".encode(), "sha256").hex()
