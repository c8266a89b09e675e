"""`Prefer: respond-async, wait=30`: a case-insensitive list; unknown preferences are ignored."""

from dataclasses import dataclass

MAX_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Prefer:
    """The time a caller is willing to wait; with None, until the image is there."""

    wait_seconds: float | None = None
    applied: str = ""

    @classmethod
    def parse(cls, header: str | None) -> "Prefer":
        """Read the header; `wait=N` wins over `respond-async`, which by itself means no waiting."""
        words = [word.partition(";")[0].strip().lower() for word in (header or "").split(",")]
        is_async = "respond-async" in words
        for word in words:
            name, _, value = word.partition("=")
            digits = value.strip().strip('"')
            if name.strip() == "wait" and digits.isascii() and digits.isdigit():
                # Cut first: a few hundred digits are an infinite float, which has no integer.
                seconds = float(digits.lstrip("0")[:MAX_DIGITS] or 0)
                return cls(seconds, "respond-async" if is_async else f"wait={int(seconds)}")
        return cls(0.0, "respond-async") if is_async else cls()
