"""Charsets that callers declare. All text here is UTF-8 or is refused.

ASCII is the same in most encodings, so ASCII text is accepted under another charset. Other text
would be read, drawn and charged as words that the caller did not write.
"""

from functools import lru_cache

from python_multipart.multipart import parse_options_header

_ASCII = bytes(range(128))


def charset_of(content_type: bytes) -> str:
    """Return the charset that a Content-Type names; empty for none, UTF-8 or ASCII."""
    _, options = parse_options_header(content_type)
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
