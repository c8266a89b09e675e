"""Charsets that callers declare. All text here is UTF-8 or is refused.

ASCII is the same in most encodings, so ASCII text is accepted under another charset. Other text
would be read, drawn and charged as words that the caller did not write.
"""

from collections.abc import Mapping
from functools import lru_cache

from python_multipart.multipart import parse_options_header

MAX_TYPE_BYTES = 1_000
"""Browsers' longest list of types has 300; Django and python-multipart take quadratic time."""
MAX_PARAMETERS = 16
_ASCII = bytes(range(128))


def parameters_of(content_type: bytes) -> Mapping[bytes, bytes]:
    """Return a Content-Type's parameters; none if it is longer: they take quadratic time."""
    if len(content_type) > MAX_TYPE_BYTES or content_type.count(b";") > MAX_PARAMETERS:
        return {}
    return parse_options_header(content_type)[1]


def charset_of(content_type: bytes) -> str:
    """Return the charset that a Content-Type names; empty for none, UTF-8 or ASCII."""
    options = parameters_of(content_type)
    charset = options.get(b"charset", b"").decode("latin-1").strip().lower()
    return "" if charset in {"utf-8", "utf8", "us-ascii", "ascii"} else charset[:100]


def is_readable(text: bytes | bytearray, charset: str) -> bool:
    """True if text in this charset surely reads the same as UTF-8."""
    return not charset or (text.isascii() and _is_superset(charset))


@lru_cache(maxsize=100)
def _is_superset(charset: str) -> bool:
    """True if a charset extends ASCII, unlike UTF-16, UTF-7, ISO-2022 or an unknown name."""
    try:
        return _ASCII.decode(charset) == _ASCII.decode("ascii")
    except (LookupError, ValueError):
        return False
