"""Names chosen by people, made safe for mails: nothing in them becomes a link. Pure."""

import re
import unicodedata

MAX_SHOWN_CHARS = 60
_JOINERS = "\u200c\u200d"
"""Persian and emojis need these marks, and they do not change the direction of text."""
_OTHER_MARKS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_IN_ADDRESSES = re.compile(
    r"(?<=\S)(?:[@\uff20](?=\S)|[:\uff1a][/\\\uff0f]+|[.\uff0e\u3002\uff61](?=[^\W\d_]{2}))"
)
"""Marks that turn words into links: @, :// and a dot before letters. Browsers fold full width."""


def without_marks(text: str) -> str:
    """The text on one line, without control, bidirectional and other invisible marks."""
    shown = "".join(
        " " if mark.isspace() else mark
        for mark in text
        if mark.isspace() or mark in _JOINERS or unicodedata.category(mark) not in _OTHER_MARKS
    )
    return " ".join(shown.split())


def holds_marks(text: str) -> bool:
    """True if the text has control, bidirectional or other invisible marks."""
    return without_marks(text) != " ".join(text.split())


def holds_address(text: str) -> bool:
    """True if a mail program may turn part of the text into a link."""
    return _IN_ADDRESSES.search(text) is not None


def for_mail(text: str) -> str:
    """A name for a mail: short, without invisible marks, and with nothing that becomes a link."""
    plain = " ".join(_IN_ADDRESSES.sub(" ", without_marks(text)).split())
    return plain if len(plain) <= MAX_SHOWN_CHARS else f"{plain[: MAX_SHOWN_CHARS - 1]}…"
