"""What a sender says of its text's encoding. Everything here is UTF-8, or is refused.

ASCII means the same in most encodings, so a sender who names another one and sends ASCII alone is
understood. Anything else would be drawn, and charged, as other words than were meant.
"""

from functools import lru_cache

from python_multipart.multipart import parse_options_header

_ASCII = bytes(range(128))


def charset_of(content_type: bytes) -> str:
    """The charset that a Content-Type names; empty where it names none or UTF-8."""
    _, options = parse_options_header(content_type)
    charset = options.get(b"charset", b"").decode("latin-1").strip().lower()
    return "" if charset in {"utf-8", "utf8", "us-ascii", "ascii"} else charset[:100]


def is_readable(text: bytes | bytearray, charset: str) -> bool:
    """Whether text of that charset is known to mean what its UTF-8 would."""
    return not charset or (text.isascii() and _is_superset(charset))


@lru_cache(maxsize=100)
def _is_superset(charset: str) -> bool:
    """Of ASCII: not UTF-16, UTF-7 or ISO-2022, and no name that is none."""
    try:
        return _ASCII.decode(charset) == _ASCII.decode("ascii")
    except (LookupError, ValueError):
        return False
