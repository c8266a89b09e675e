"""Directives to the sandbox in a prompt: `[sandbox: delay=2 fail=reset size=1024x768]`.

Pure. A directive has at most 200 characters, may stand anywhere in the prompt and is removed before
anything is drawn; a longer one is words of the prompt. Raises DirectiveError, whose message names
the key, for one that cannot be understood.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sandbox.sizes import Size

MAX_DELAY_SECONDS: Final = 3600.0
MAX_IMAGES: Final = 10
FAILURES: Final = ("moderation", "reset", "truncate", "html", "hang", "empty")
FLAGS: Final = ("revise", "noise", "signed", "drip", "corrupt")

_DIRECTIVE: Final = re.compile(r"\[sandbox:([^\]]{0,190})\]")
"""At most 200 characters with its brackets: a search looks no further from each beginning."""
_STATUS: Final = re.compile(r"[2-5][0-9][0-9]")


class DirectiveError(Exception):
    """A directive with an unknown key or a value that makes no sense."""


@dataclass(frozen=True, slots=True)
class Directive:
    """How to answer one request.

    Attributes:
        delay_seconds: waited before the answer begins (streams spread it over their events).
        failure: one of FAILURES, or None.
        status: answer an error object with this HTTP status; None for no such error.
        size: drawn instead of the size asked for.
        images: delivered instead of `n`.
        revise: give each image a `revised_prompt`.
        noise: draw a picture that cannot be compressed.
        signed: send a picture with Content Credentials.
        drip: send the body one byte a second.
        corrupt: send bytes that are not an image.
    """

    delay_seconds: float = 0.0
    failure: str | None = None
    status: int | None = None
    size: Size | None = None
    images: int | None = None
    revise: bool = False
    noise: bool = False
    signed: bool = False
    drip: bool = False
    corrupt: bool = False


def split(prompt: str) -> tuple[str, Directive]:
    """The prompt without its directives, and what they ask for; a later key overrides."""
    pieces = _DIRECTIVE.split(prompt)  # words and directives in turn
    asked: dict[str, Any] = {}
    for word in " ".join(pieces[1::2]).split():
        asked |= _read(word)
    return " ".join(" ".join(pieces[::2]).split()), Directive(**asked)


def _read(word: str) -> dict[str, Any]:
    key, separator, value = word.partition("=")
    if key in FLAGS:
        if separator:
            raise DirectiveError(f"The sandbox directive '{key}' takes no value.")
        return {key: True}
    reader = _READERS.get(key)
    if reader is None:
        known = ", ".join((*_READERS, *FLAGS))
        raise DirectiveError(f"Unknown sandbox directive '{key}'. Known: {known}.")
    return reader(value)


def _delay(value: str) -> dict[str, Any]:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= MAX_DELAY_SECONDS:
        raise DirectiveError(
            f"'delay' must be 0 to {MAX_DELAY_SECONDS:.0f} seconds, not {value!r}."
        )
    return {"delay_seconds": seconds}


def _fail(value: str) -> dict[str, Any]:
    if value in FAILURES:
        return {"failure": value, "status": None}
    if _STATUS.fullmatch(value):
        return {"failure": None, "status": int(value)}
    known = ", ".join(FAILURES)
    raise DirectiveError(f"'fail' must be a status from 200 to 599 or {known}, not {value!r}.")


def _size(value: str) -> dict[str, Any]:
    size = Size.parse(value)
    if size is None:
        raise DirectiveError(f"'size' must be WIDTHxHEIGHT in pixels, not {value!r}.")
    return {"size": size}


def _images(value: str) -> dict[str, Any]:
    if not (value.isascii() and value.isdigit()) or int(value) > MAX_IMAGES:
        raise DirectiveError(f"'images' must be 0 to {MAX_IMAGES}, not {value!r}.")
    return {"images": int(value)}


_READERS: Final[dict[str, Callable[[str], dict[str, Any]]]] = {
    "delay": _delay,
    "fail": _fail,
    "size": _size,
    "images": _images,
}
