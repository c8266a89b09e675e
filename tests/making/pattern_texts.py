"""Texts that keep a badly written pattern busy, made of the pattern's own literals and classes.

Letters that all classes of a pattern treat alike count as one. Each of them, each literal of more
than one letter and each beginning of a match is repeated: alone, in turns with another one, and
behind a beginning; with and without an end that fails.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]
from typing import Any

LETTERS = [*map(chr, range(128)), *"\x85\xa0\xe9\u0130\u0131\u0661\u2028\u3000\uff1d\uff20\ud800"]
BYTES = [*map(chr, range(256))]
_REPEATS = {_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT}
_LOOKS = {_constants.ASSERT, _constants.ASSERT_NOT}
_ONE_LETTER = {_constants.LITERAL, _constants.NOT_LITERAL, _constants.IN, _constants.ANY}
_MOST_TURNS = 300
"""The longest repetition in a beginning."""


class Texts:
    """The texts for one pattern, of bytes for a pattern of bytes."""

    def __init__(self, pattern: "re.Pattern[Any]") -> None:
        self._is_bytes = isinstance(pattern.pattern, bytes)
        self._flags = pattern.flags
        self._tree = _parser.parse(pattern.pattern, pattern.flags)
        steps = [step for steps in _sequences(self._tree) for step in steps]
        classes = [self._class(step) for step in steps if step[0] in _ONE_LETTER]
        alike: dict[tuple[bool, ...], str] = {}
        for letter in BYTES if self._is_bytes else LETTERS:
            alike.setdefault(tuple(self._is_in(each, letter) for each in classes), letter)
        self._letters = list(alike.values())
        self._strange = next((one for is_in, one in alike.items() if not any(is_in)), "\n")

    def of(self, size: int) -> Iterator[Any]:
        """All texts of about that size."""
        beginnings = self._beginnings()
        parts = list(dict.fromkeys([*self._letters, *self._words(), *beginnings]))
        turns = [*parts, *(one + other for one, other in combinations(parts, 2))]
        repeated = [("", turn) for turn in turns]
        repeated += [(start, part) for start in ("a", *beginnings) for part in parts]
        for start, turn in repeated:
            text = start + turn * (size // len(turn))
            for end in ("", self._strange):
                yield (text + end).encode("latin-1") if self._is_bytes else text + end

    def _beginnings(self) -> list[str]:
        """Beginnings of a match, with each repetition at its least and at one or more."""
        ends = range(1, len(self._tree) + 1)
        made = [self._example(self._tree[:end], turns) for end in ends for turns in (0, 1)]
        return [beginning for beginning in dict.fromkeys(made) if beginning]

    def _words(self) -> list[str]:
        """Literals of more than one letter."""
        words = [""]
        for steps in _sequences(self._tree):
            for kind, what in steps:
                words[-1:] = (
                    [words[-1] + chr(what)] if kind is _constants.LITERAL else [*words[-1:], ""]
                )
            words.append("")
        return [word for word in words if len(word) > 1]

    def _example(self, steps: Iterable[Any], turns: int) -> str:
        return "".join(self._example_of(kind, what, turns) for kind, what in steps)

    def _example_of(self, kind: Any, what: Any, turns: int) -> str:
        if kind is _constants.LITERAL:
            return chr(what)
        if kind in _ONE_LETTER:
            each = self._class((kind, what))
            return next((letter for letter in self._letters if self._is_in(each, letter)), "")
        if kind in _REPEATS:
            return self._example(what[2], turns) * min(max(int(what[0]), turns), _MOST_TURNS)
        if kind is _constants.BRANCH:
            return self._example(what[1][-turns], turns)
        if kind in _LOOKS and (kind is _constants.ASSERT_NOT or what[0] > 0):
            return ""
        return "".join(self._example(inner, turns) for inner in _inside(kind, what))

    def _class(self, step: Any) -> "re.Pattern[Any]":
        one = _parser.SubPattern(self._tree.state, [step])
        return _compiler.compile(one, self._flags)  # type: ignore[no-any-return]

    def _is_in(self, each: "re.Pattern[Any]", letter: str) -> bool:
        return each.fullmatch(letter.encode("latin-1") if self._is_bytes else letter) is not None


def _sequences(steps: Any) -> Iterator[Sequence[Any]]:
    """The pattern's parts that stand behind each other, those inside others too."""
    yield steps
    for kind, what in steps:
        for inner in _inside(kind, what):
            yield from _sequences(inner)


def _inside(kind: Any, what: Any) -> Sequence[Any]:
    if kind in _REPEATS:
        return [what[2]]
    if kind is _constants.SUBPATTERN:
        return [what[3]]
    if kind is _constants.ATOMIC_GROUP:
        return [what]
    if kind is _constants.BRANCH:
        return list(what[1])
    return [what[1]] if kind in _LOOKS else []
