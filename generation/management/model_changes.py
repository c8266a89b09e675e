"""`manage.py model set|copy`: change a model's contract."""

from argparse import BooleanOptionalAction
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from django.core.management.base import CommandError, OutputWrapper

from accounts.management.operator import ACTOR, ask, read_limit, read_pairs, read_typed, read_words
from generation.catalogue import services
from generation.management.model_facts import model_named
from generation.models import Contract
from generation.oversight.contract_review import Review, review
from pictor.kit.words import clock, typed

NONE = "none"
_OPTIONS: tuple[tuple[str, str, str, Callable[[str], Any], str | None], ...] = (
    ("--qualities", "qualities", "A,B", read_words, "in rising order"),
    ("--aliases", "quality_aliases", "hd=high",
     partial(read_pairs, "--aliases", "WORD=QUALITY"), "other words for qualities, or 'none'"),
    ("--default-quality", "quality_default", "WORD", str, None),
    ("--default-size", "default_size", "SIZE", str, None),
    ("--tasks", "tasks", "A,B", read_words, "generate, edit, variation"),
    ("--prompt-chars", "prompt_max_chars", "N", read_limit, "the longest prompt"),
    ("--max-n", "max_n", "N", read_limit, "images per request, 1 to 10"),
    ("--response-format", "response_format_default", "WORD", str, "url or b64_json"),
    ("--position", "position", "N", partial(read_typed, typed.number), "its place in lists"),
)  # fmt: skip
"""An option, its column, its form, how it is read, and what it is."""
_SWITCHES = (
    ("--auto", "accepts_auto", "let the upstream choose"),
    ("--exact", "is_exact", "only sizes that a channel makes itself"),
)


def add_arguments(actions: Any) -> None:
    change = actions.add_parser("set", help="change its contract, shown before and after")
    change.add_argument("model")
    change.add_argument(
        "--size",
        action="append",
        metavar="WxH,tier=2K,ratio=3:2,preset=WORD",
        help="add or change a size; tier, ratio and preset are optional; repeatable",
    )
    change.add_argument(
        "--no-size", action="append", metavar="WxH", help="remove a size; repeatable"
    )
    for option, column, metavar, _, what in _OPTIONS:
        change.add_argument(option, dest=column, metavar=metavar, help=what)
    for option, column, what in _SWITCHES:
        change.add_argument(option, dest=column, action=BooleanOptionalAction, help=what)
    copy = actions.add_parser("copy", help="copy a model, switched off")
    copy.add_argument("source")
    copy.add_argument("model")
    words = "do not ask, even if removed features are in use"
    change.add_argument("--yes", action="store_true", help=words)
    for action in (change, copy):
        action.add_argument("--json", action="store_true")


def change(
    stdout: OutputWrapper, aside: OutputWrapper, options: Mapping[str, Any]
) -> tuple[Contract, Review]:
    """Change the contract; the loss of used features is confirmed first."""
    contract = model_named(options["model"])
    columns = {**services.columns_of(contract), **_given_columns(contract, options)}
    services.check_contract({"model": contract.pk, **columns})
    reviewed = review(contract, columns, now=clock.now())
    if not options["json"]:
        _tell(stdout, reviewed)
    if reviewed.used and not options["yes"]:
        for feature in reviewed.used:
            users = feature.users
            bought = f"{users.tenants} tenants, {users.images} images in 30 days" if users else ""
            aside.write(f"{feature.what}: {bought}")
        ask(aside, "Remove these?")
    saved, _ = services.set_contract(model=contract.pk, columns=columns, actor=ACTOR)
    return saved, reviewed


def _tell(stdout: OutputWrapper, review: Review) -> None:
    for name in {**review.before, **review.after}:
        was, will = review.before.get(name, NONE), review.after.get(name, NONE)
        if was != will:
            stdout.write(f"{name}: {was} -> {will}")
    for key in review.unpriced:
        stdout.write(f"no price: {' '.join(key)}")
    for unable in review.unable:
        stdout.write(f"{unable.channel} cannot: {', '.join([*unable.sizes, *unable.tasks])}")
    if review.unmade:
        stdout.write(f"no channel makes: {', '.join(review.unmade)}")


def _given_columns(contract: Contract, options: Mapping[str, Any]) -> dict[str, Any]:
    readers = {column: read for _, column, _, read, _ in _OPTIONS}
    readers |= {column: bool for _, column, _ in _SWITCHES}
    columns = {
        column: read(options[column])
        for column, read in readers.items()
        if options[column] is not None
    }
    if options["size"] or options["no_size"]:
        columns["sizes"] = _sizes(contract, options["size"] or [], options["no_size"] or [])
    if not columns:
        raise CommandError("nothing to change was given: see --help")
    return columns


def _sizes(contract: Contract, kept: list[str], gone: list[str]) -> list[dict[str, str]]:
    sizes: dict[str, dict[str, str]] = {row["size"]: row for row in contract.sizes}
    for size in gone:
        if size not in sizes:
            raise CommandError(f"{contract.pk} has no size {size!r}")
        del sizes[size]
    for text in kept:
        size, *words = (word.strip() for word in text.split(","))
        pairs = dict(word.partition("=")[::2] for word in words)
        if not pairs.keys() <= {"tier", "ratio", "preset"} or len(pairs) < len(words):
            raise CommandError(f"--size takes WxH,tier=…,ratio=…,preset=…, not {text!r}")
        row = sizes.get(size, {"size": size, "tier": "base"})
        sizes[size] = {name: word for name, word in {**row, **pairs}.items() if word}
    return list(sizes.values())
