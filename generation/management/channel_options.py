"""The options of `manage.py channel set` for a channel and its routes."""

import json
import sys
import tomllib
from argparse import BooleanOptionalAction
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar, cast

from django.core.management.base import CommandError, CommandParser

from accounts.management.operator import read_amount, read_pairs, read_typed, read_words
from generation.catalogue.services import ChannelOptions
from generation.channels.registry import DEFAULT_KIND, KINDS
from generation.management import channel_costs, channel_presets, channel_trials
from pictor.kit.words import typed
from pictor.kit.words.money import Micros

T = TypeVar("T")

NONE = "none"
UNKNOWN = "unknown"
KIND_HELP = f"kind of API; default for a new one: {DEFAULT_KIND}"


def add_options(change: CommandParser) -> None:
    change.add_argument("name")
    change.add_argument("--preset", metavar="NAME|FILE.toml", help=channel_presets.HELP)
    change.add_argument("--kind", help=f"{KIND_HELP}: {', '.join(KINDS)}")
    change.add_argument("--base-url", metavar="URL", help="its address, such as https://…/v1")
    change.add_argument("--api-key", metavar="KEY", help="'-' reads it from standard input")
    change.add_argument(
        "--setting",
        metavar="NAME=WORD",
        action="append",
        help="of the account, by its kind; name all of them",
    )
    change.add_argument(
        "--models", metavar="A,B", help="default for a new one: those of --map, or all"
    )
    change.add_argument(
        "--map",
        metavar="OURS=THEIRS",
        action="append",
        help="a model it serves, and the vendor's name for it; repeatable, or with commas",
    )
    change.add_argument("--sizes", metavar="A,B", help="taken natively; default: all")
    change.add_argument("--ignore", metavar="A,B", help="request fields that it ignores, or 'none'")
    change.add_argument(
        "--refuse", metavar="A,B", help="tasks that it refuses (edit, variation), or 'none'"
    )
    change.add_argument("--max-images", metavar="N", help="reference images per edit")
    change.add_argument("--cost", metavar="USD", help="our cost of one image of any model")
    change.add_argument("--again", metavar="USD", help=channel_costs.AGAIN_HELP)
    change.add_argument("--yes", action="store_true", help=channel_trials.YES_HELP)
    change.add_argument(
        "--serves",
        metavar="KEYS",
        help="live (default), test or both; only a sandbox may serve test keys",
    )
    change.add_argument("--priority", metavar="N", help="the smallest goes first; default 10")
    change.add_argument("--weight", metavar="N", help="share among equals; default 1")
    change.add_argument("--timeout", metavar="S", help="seconds in all; default 240")
    change.add_argument(
        "--queue-seconds",
        metavar="S",
        help="in its vendor's queue, while another channel can serve; default 60",
    )
    _add_of_account(change)


def _add_of_account(change: CommandParser) -> None:
    """Define the options for the account's abilities, and those for one model."""
    change.add_argument("--concurrency", metavar="N", help="calls in flight per worker, or 'none'")
    change.add_argument(
        "--statuses", metavar="429=unknown", help="HTTP statuses with another class, or 'none'"
    )
    for option, what in (
        ("--crop", "serve exact models by cropping a larger size"),
        ("--redispatch", "be called again after one of our processes crashed"),
        ("--free-retries", "be called once more after a bad result, which it does not charge"),
    ):
        change.add_argument(option, action=BooleanOptionalAction, help=f"it may {what}")
    for option, metavar, what in (
        ("--words", "MODEL:high=hd", "its vendor's quality words, or 'none'"),
        ("--sizes-of", "MODEL:A,B", "sizes taken natively of one model, or 'all'"),
        ("--retires", "MODEL:DATE", "the first day without it at the vendor, or 'none'"),
        ("--cost-of", "MODEL:USD", "our cost of one image, or 'unknown'"),
        ("--fields", "MODEL:FILE", "a file of its vendor's names for fields, or 'none'"),
    ):
        change.add_argument(option, metavar=metavar, action="append", help=f"{what}; repeatable")


def read(options: dict[str, Any]) -> ChannelOptions:
    given = {
        "kind": options["kind"],
        "base_url": options["base_url"],
        "api_key": _read_api_key(options["api_key"]),
        "settings": _read_settings(options["setting"]),
        "models": read_words(options["models"]),
        "maps": _read_maps(options["map"]),
        "sizes": read_words(options["sizes"]),
        "ignored_fields": _read_or_none(options["ignore"]),
        "refused_tasks": _read_or_none(options["refuse"]),
        "max_images": _read_number("--max-images", options["max_images"]),
        "cost": None if options["cost"] is None else read_amount(options["cost"]),
        "serves": options["serves"],
        "priority": _read_number("--priority", options["priority"]),
        "weight": _read_number("--weight", options["weight"]),
        "timeout_seconds": _read_number("--timeout", options["timeout"]),
        "queue_seconds": _read_number("--queue-seconds", options["queue_seconds"]),
        "class_overrides": _read_statuses(options["statuses"]),
        "allows_exact_crop": options["crop"],
        "allows_redispatch": options["redispatch"],
        "retry_is_free": options["free_retries"],
        "words": _read_each("--words", options["words"], _words),
        "sizes_of": _read_each("--sizes-of", options["sizes_of"], read_words),
        "retires": _read_each("--retires", options["retires"], _day),
        "costs": _read_each("--cost-of", options["cost_of"], _read_cost),
        "field_maps": _read_each("--fields", options["fields"], _read_map),
    }
    columns = {name: word for name, word in given.items() if word is not None}
    if options["concurrency"] is not None:
        is_none = options["concurrency"] == NONE
        columns["max_concurrency"] = (
            None if is_none else _read_number("--concurrency", options["concurrency"])
        )
    return cast(ChannelOptions, columns)


def _read_maps(texts: list[str] | None) -> dict[str, str] | None:
    if texts is None:
        return None
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


def _read_settings(texts: list[str] | None) -> dict[str, str] | None:
    return None if texts is None else read_pairs("--setting", "NAME=WORD", ",".join(texts))


def _read_statuses(text: str | None) -> dict[str, str] | None:
    return None if text is None else read_pairs("--statuses", "OURS=THEIRS", text)


def _read_each(
    option: str, texts: list[str] | None, read_one: Callable[[str], T]
) -> dict[str, T] | None:
    """Read values of the form 'MODEL:WORDS', with `read_one` for the words."""
    if texts is None:
        return None
    words_of = _once_each(option, "MODEL:VALUE", ":", texts)
    return {model: read_one(words) for model, words in words_of.items()}


def _day(text: str) -> date | None:
    return None if text == NONE else read_typed(typed.day, text, "--retires")


def _words(text: str) -> dict[str, str]:
    return read_pairs("--words", "OURS=THEIRS", text)


def _read_cost(text: str) -> Micros | None:
    return None if text == UNKNOWN else read_amount(text)


def _read_map(path: str) -> dict[str, Any] | None:
    if path == NONE:
        return None
    try:
        text = Path(path).read_text(encoding="utf-8")
        typed = json.loads(text) if text.startswith("{") else tomllib.loads(text)
        return dict(typed)
    except (OSError, ValueError) as error:
        raise CommandError(f"--fields {path}: {error}") from None


def _read_or_none(text: str | None) -> list[str] | None:
    words = read_words(text)
    return [] if words == [NONE] else words


def _read_number(option: str, text: str | None) -> int | None:
    return None if text is None else read_typed(typed.number, text, option)


def _read_api_key(text: str | None) -> str | None:
    if text != "-":
        return text
    line = sys.stdin.readline()
    is_json = line.lstrip().startswith("{")  # a service account's has many lines
    return line + sys.stdin.read() if is_json else line
