"""The options of `manage.py channel set` for a channel and its routes."""

import sys
from argparse import BooleanOptionalAction
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from django.core.management.base import CommandError, CommandParser

from accounts.management.operator import read_amount, read_pairs, read_typed, read_words
from generation.catalogue.services import ChannelOptions
from generation.channels.registry import DEFAULT_KIND, KINDS
from generation.management import channel_costs, channel_presets, channel_trials
from pictor.kit.words import typed

T = TypeVar("T")

NONE = "none"
UNKNOWN = "unknown"
_KIND_HELP = f"kind of API; default for a new one: {DEFAULT_KIND}: {', '.join(KINDS)}"


def add_options(change: CommandParser) -> None:
    change.add_argument("name")
    change.add_argument("--preset", metavar="NAME|FILE.toml", help=channel_presets.HELP)
    change.add_argument("--again", metavar="USD", help=channel_costs.AGAIN_HELP)
    change.add_argument("--yes", action="store_true", help=channel_trials.YES_HELP)
    for option, column, metavar, _, what in _OPTIONS:
        change.add_argument(option, dest=column, metavar=metavar, help=what)
    for option, column, metavar, _, what in _REPEATED:
        change.add_argument(
            option, dest=column, metavar=metavar, action="append", help=f"{what}; repeatable"
        )
    for option, column, what in _ALLOWANCES:
        change.add_argument(option, dest=column, action=BooleanOptionalAction, help=what)


def read(options: dict[str, Any]) -> ChannelOptions:
    """The options that were given, by their names in services."""
    readers = {column: read_one for _, column, _, read_one, _ in (*_OPTIONS, *_REPEATED)}
    readers |= {column: bool for _, column, _ in _ALLOWANCES}
    typed_ones = {column: options[column] for column in readers if options[column] is not None}
    given = {column: readers[column](value) for column, value in typed_ones.items()}
    return cast(ChannelOptions, given)


def _number(option: str) -> Callable[[str], int]:
    return partial(read_typed, typed.number, option=option)


def _or_nothing(read_one: Callable[[str], T], word: str = NONE) -> Callable[[str], T | None]:
    """Reads with `read_one`; the word stands for nothing."""
    return lambda text: None if text == word else read_one(text)


def _or_none(text: str) -> list[str] | None:
    words = read_words(text)
    return [] if words == [NONE] else words


def _settings(texts: list[str]) -> dict[str, str]:
    return read_pairs("--setting", "NAME=WORD", ",".join(texts))


def _maps(texts: list[str]) -> dict[str, str]:
    form = "OURS=THEIRS, two names of one model"
    return _once_each("--map", form, "=", read_words(",".join(texts)) or ())


def _once_each(option: str, form: str, mark: str, texts: Sequence[str]) -> dict[str, str]:
    """Read the texts before and after the mark. Raises CommandError for a name given twice."""
    values: dict[str, str] = {}
    for text in texts:
        name, separator, words = (part.strip() for part in text.partition(mark))
        if not (name and separator and words):
            raise CommandError(f"{option} takes {form}, not {text!r}")
        if name in values:
            raise CommandError(f"{option} names {name} twice")
        values[name] = words
    return values


def _each(option: str, read_one: Callable[[str], T]) -> Callable[[list[str]], dict[str, T]]:
    """Reads values of the form 'MODEL:WORDS', with `read_one` for the words."""

    def read_all(texts: list[str]) -> dict[str, T]:
        words_of = _once_each(option, "MODEL:VALUE", ":", texts)
        return {model: read_one(words) for model, words in words_of.items()}

    return read_all


def _field_map(path: str) -> dict[str, Any] | None:
    if path == NONE:
        return None
    try:
        return typed.table(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"--fields {path}: {error}") from None


def _api_key(text: str) -> str:
    if text != "-":
        return text
    line = sys.stdin.readline()
    is_json = line.lstrip().startswith("{")  # a service account's has many lines
    return line + sys.stdin.read() if is_json else line


_Row = tuple[str, str, str | None, Callable[[Any], Any], str]
"""An option, its name in services, its form, how it is read, and what it is."""
_OPTIONS: tuple[_Row, ...] = (
    ("--kind", "kind", None, str, _KIND_HELP),
    ("--base-url", "base_url", "URL", str, "its address, such as https://…/v1"),
    ("--api-key", "api_key", "KEY", _api_key, "'-' reads it from standard input"),
    ("--models", "models", "A,B", read_words, "default for a new one: those of --map, or all"),
    ("--sizes", "sizes", "A,B", read_words, "taken natively; default: all"),
    ("--ignore", "ignored_fields", "A,B", _or_none, "request fields that it ignores, or 'none'"),
    ("--refuse", "refused_tasks", "A,B", _or_none, "of edit and variation, or 'none'"),
    ("--max-images", "max_images", "N", _number("--max-images"), "reference images per edit"),
    ("--cost", "cost", "USD", read_amount, "our cost of one image of any model"),
    ("--serves", "serves", "KEYS", str, "live (default), test or both; test keys: sandboxes only"),
    ("--priority", "priority", "N", _number("--priority"), "the smallest goes first; default 10"),
    ("--weight", "weight", "N", _number("--weight"), "share among equals; default 1"),
    ("--timeout", "timeout_seconds", "S", _number("--timeout"), "seconds in all; default 240"),
    ("--queue-seconds", "queue_seconds", "S", _number("--queue-seconds"),
     "in its vendor's queue, while another channel can serve; default 60"),
    ("--concurrency", "max_concurrency", "N", _or_nothing(_number("--concurrency")),
     "calls at once of a worker, or 'none'"),
    ("--statuses", "class_overrides", "429=unknown",
     partial(read_pairs, "--statuses", "OURS=THEIRS"),
     "HTTP statuses with another class, or 'none'"),
)  # fmt: skip
_REPEATED: tuple[_Row, ...] = (
    ("--setting", "settings", "NAME=WORD", _settings, "of the account, by its kind; name all"),
    ("--map", "maps", "OURS=THEIRS", _maps, "a model it serves, and the vendor's name for it"),
    ("--words", "words", "MODEL:high=hd",
     _each("--words", partial(read_pairs, "--words", "OURS=THEIRS")),
     "its vendor's quality words, or 'none'"),
    ("--sizes-of", "sizes_of", "MODEL:A,B", _each("--sizes-of", read_words),
     "sizes taken natively of one model, or 'all'"),
    ("--retires", "retires", "MODEL:DATE",
     _each("--retires", _or_nothing(partial(read_typed, typed.day, option="--retires"))),
     "the first day without it at the vendor, or 'none'"),
    ("--cost-of", "costs", "MODEL:USD", _each("--cost-of", _or_nothing(read_amount, UNKNOWN)),
     "our cost of one image, or 'unknown'"),
    ("--fields", "field_maps", "MODEL:FILE", _each("--fields", _field_map),
     "a file of its vendor's names for fields, or 'none'"),
)  # fmt: skip
_ALLOWANCES = (
    ("--crop", "allows_exact_crop", "it may serve exact models by cropping a larger size"),
    ("--redispatch", "allows_redispatch", "it may be called again after one of ours crashed"),
    ("--credentials", "keeps_credentials", "it keeps the Content Credentials of its pictures"),
    ("--free-retries", "retry_is_free", "it charges no bad result, so it may be called once more"),
)
