"""TOML that operators write, read within bounds, with faults named by their keys. Pure."""

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any

MAX_BYTES = 256 * 1024
_BARE = re.compile("[A-Za-z0-9_-]+", re.ASCII)


class BadToml(ValueError):
    """A file with faults: each has the path of its key, or the line of wrong syntax."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def document_of(text: str) -> dict[str, Any]:
    """Parse a file whose texts can be stored and shown. Raises BadToml."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise BadToml([f"it is longer than {MAX_BYTES // 1024} KiB"])
    try:
        document = tomllib.loads(text)
        faults = [*_unprintable("", document)]
    except RecursionError:
        raise BadToml(["its keys are nested too deeply"]) from None
    except ValueError as error:  # also for an integer of too many digits
        raise BadToml([f"it is no TOML: {error}"]) from None
    if faults:
        raise BadToml(faults)
    return document


def _unprintable(path: str, value: object) -> Iterator[str]:
    """Find texts that no database or terminal takes as they are."""
    match value:
        case dict():
            for name, one in value.items():
                yield from _unprintable(f"{path}.{key_of(name)}".lstrip("."), one)
        case list():
            for place, one in enumerate(value):
                yield from _unprintable(f"{path}[{place}]", one)
        case str() if not value.isprintable():
            yield f"{path} has characters that cannot be shown"


def key_of(word: str) -> str:
    """The word as a key of a file."""
    return word if _BARE.fullmatch(word) else json.dumps(word, ensure_ascii=False)
