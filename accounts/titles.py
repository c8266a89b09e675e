"""Names that people choose, in mails: nobody else is led anywhere by them. Pure."""

import re
import unicodedata

MOST_SHOWN = 60
_JOINERS = "\u200c\u200d"
"""Persian and emojis need them, and they turn nothing round."""
_OTHER_MARKS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_IN_ADDRESSES = re.compile(
    r"(?<=\S)(?:[@\uff20](?=\S)|[:\uff1a][/\\\uff0f]+|[.\uff0e\u3002\uff61](?=[^\W\d_]{2}))"
)
"""What makes a link of words: an @, the :// and a dot before letters. Browsers fold full width."""


def without_marks(text: str) -> str:
    """Without control, bidirectional and other unseen marks, on one line."""
    shown = "".join(
        " " if mark.isspace() else mark
        for mark in text
        if mark.isspace() or mark in _JOINERS or unicodedata.category(mark) not in _OTHER_MARKS
    )
    return " ".join(shown.split())


def holds_address(text: str) -> bool:
    """Whether a mail program may make a link of a part of it."""
    return _IN_ADDRESSES.search(text) is not None


def for_mail(text: str) -> str:
    """A name as a mail has it: short, without marks, and with nothing in it to follow."""
    plain = " ".join(_IN_ADDRESSES.sub(" ", without_marks(text)).split())
    return plain if len(plain) <= MOST_SHOWN else f"{plain[: MOST_SHOWN - 1]}…"
