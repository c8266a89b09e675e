"""`manage.py model set|copy|enable|disable`: change a model's contract, and switch it."""

from argparse import BooleanOptionalAction
from collections.abc import Mapping
from typing import Any, cast

from django.core.management.base import CommandError, CommandParser, OutputWrapper

from accounts.management.operator import ACTOR, ask, read_limit, read_pairs, read_words
from billing.management.price_words import read_number
from billing.price_stops import Confirmed
from generation.catalogue import services
from generation.catalogue.services import ContractColumns
from generation.management.model_facts import model_named
from generation.models import Contract
from generation.oversight.contract_review import Review, review
from generation.oversight.model_list import listed_models
from pictor.kit.words import clock

NONE = "none"
YES_HELP = "do not ask, even if removed features are in use"
_NUMBERS = {"prompt_chars": "prompt_max_chars", "max_n": "max_n"}
_AS_THEY_ARE = {
    "default_size": "default_size",
    "default_quality": "quality_default",
    "response_format": "response_format_default",
    "exact": "is_exact",
    "auto": "accepts_auto",
    "position": "position",
}


def add_arguments(actions: Any) -> None:
    change = actions.add_parser("set", help="change its contract, shown before and after")
    change.add_argument("model")
    _add_sizes(change)
    change.add_argument("--qualities", metavar="A,B", help="in rising order")
    change.add_argument("--aliases", metavar="hd=high", help="other words for qualities, or 'none'")
    change.add_argument("--default-quality", metavar="WORD")
    change.add_argument("--tasks", metavar="A,B", help="generate, edit, variation")
    change.add_argument("--prompt-chars", metavar="N", help="the longest prompt")
    change.add_argument("--max-n", metavar="N", help="images per request, 1 to 10")
    change.add_argument("--response-format", metavar="WORD", help="url or b64_json")
    change.add_argument("--position", type=int, metavar="N", help="its place in lists")
    copy = actions.add_parser("copy", help="copy a model, switched off")
    copy.add_argument("source")
    copy.add_argument("model")
    enable = actions.add_parser("enable", help="offer it; needs prices and a channel")
    enable.add_argument("model")
    enable.add_argument("--reason", metavar="TEXT", help="why, needed if a price is below cost")
    enable.add_argument("--below-cost", metavar="N", help="the number of such prices")
    disable = actions.add_parser("disable", help="refuse it with 404 from the next request on")
    disable.add_argument("model")
    for action in (change, disable):
        action.add_argument("--yes", action="store_true", help=YES_HELP)
    for action in (change, copy, enable, disable):
        action.add_argument("--json", action="store_true")


def _add_sizes(change: CommandParser) -> None:
    change.add_argument(
        "--size",
        action="append",
        metavar="WxH,tier=2K,ratio=3:2,preset=WORD",
        help="add or change a size; tier, ratio and preset are optional; repeatable",
    )
    change.add_argument(
        "--no-size", action="append", metavar="WxH", help="remove a size; repeatable"
    )
    change.add_argument("--auto", action=BooleanOptionalAction, help="let the upstream choose")
    change.add_argument("--default-size", metavar="SIZE")
    change.add_argument(
        "--exact", action=BooleanOptionalAction, help="only sizes that a channel makes itself"
    )


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
    saved, _ = services.set_contract(
        model=contract.pk, columns=cast(ContractColumns, columns), actor=ACTOR
    )
    return saved, reviewed


def switch(aside: OutputWrapper, options: Mapping[str, Any], *, is_offered: bool) -> Contract:
    """Switch it; before it goes off, its users are printed and the change is confirmed."""
    contract = model_named(options["model"])
    if not is_offered and contract.is_enabled:
        (row,) = listed_models(mode="live", now=clock.now(), model=contract.pk)
        if used := row.used(clock.now()):
            aside.write(f"{contract.pk}: {used}")
            if not options["yes"]:
                ask(aside, "Switch it off?")
    below = read_number(options.get("below_cost"))
    confirmed = Confirmed(options.get("reason") or "", below_cost=below)
    return services.set_offered(
        model=contract.pk, is_offered=is_offered, confirmed=confirmed, actor=ACTOR
    )


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
    columns = {
        column: options[name] for name, column in _AS_THEY_ARE.items() if options[name] is not None
    }
    columns |= {
        column: read_limit(options[name])
        for name, column in _NUMBERS.items()
        if options[name] is not None
    }
    for name in ("qualities", "tasks"):
        if (words := read_words(options[name])) is not None:
            columns[name] = words
    if options["aliases"] is not None:
        columns["quality_aliases"] = read_pairs("--aliases", "WORD=QUALITY", options["aliases"])
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
