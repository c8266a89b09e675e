"""Preview a change of a model's contract: users of what it removes, and what would be missing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from billing.price_rows import ANY, PriceKey
from billing.selectors import without_price
from billing.selectors.office.buyers import CellUsers, Users, cells_bought
from generation.catalogue.contracts import AUTO, ContractTerms, RouteInfo, contract_from
from generation.catalogue.parameters import KEYS
from generation.catalogue.snapshot import current_catalogue
from generation.channels.declaration import PLAIN, Needs, Task
from generation.channels.size_rules import SizeRule
from generation.models import Contract
from generation.oversight.model_list import since_of, unmade_of


class Gone(NamedTuple):
    """A word that callers can no longer use, and the tenants that bought it in 30 days.

    `users` is None for a preset, an alias or a task, which are not counted.
    """

    what: str
    users: Users | None


class Unable(NamedTuple):
    """A channel that serves the model, and the newly promised sizes and tasks it could not do."""

    channel: str
    sizes: list[str]
    tasks: list[str]


@dataclass(frozen=True, slots=True)
class Review:
    """The effects of a change.

    Attributes:
        before: the present contract, as `promises_of` shows it.
        after: the contract after the change.
        gone: words that callers can no longer use.
        unpriced: new cells without a price.
        unable: channels that could not do what the change adds.
        unmade: sizes that no channel serving the model would make.
    """

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    gone: list[Gone]
    unpriced: list[PriceKey]
    unable: list[Unable]
    unmade: list[str]

    @property
    def changes_something(self) -> bool:
        """True if the contract differs."""
        return self.before != self.after

    @property
    def used(self) -> list[Gone]:
        """The removed words that tenants have bought."""
        return [feature for feature in self.gone if feature.users and feature.users.images]


def review(contract: Contract, columns: Mapping[str, Any], *, now: datetime) -> Review:
    """Preview writing these columns, a contract's full set, into that contract."""
    stored = Contract.objects.filter(pk=contract.pk).values().get()
    before, after = contract_from(stored), contract_from({**stored, **columns})
    known = set(before.price_keys)
    new = [key for key in after.price_keys if key not in known]
    routes = current_catalogue().routes_for(contract.model, livemode=True)
    return Review(
        before=promises_of(stored),
        after=promises_of({**stored, **columns}),
        gone=_removals(before, after, now),
        unpriced=without_price(new, now) if new else [],
        unable=_unable(routes, before, after),
        unmade=unmade_of(routes, after),
    )


def promises_of(columns: Mapping[str, Any]) -> dict[str, Any]:
    """A contract's columns as people read them, with one entry per size and per alias."""
    facts: dict[str, Any] = {}
    for name, value in columns.items():
        if name == "sizes":
            facts |= {f"size {row['size']}": _size(row) for row in value}
        elif name == "parameters":
            facts |= {f"parameter {row['name']}": _parameter(row) for row in value}
        elif name == "size_rule":
            facts |= {"further sizes": str(SizeRule(**value))} if value else {}
        elif name == "quality_aliases":
            facts |= {f"quality word {word}": stands_for for word, stands_for in value.items()}
        elif name in _WORDS:
            facts[_WORDS[name]] = list(value) if isinstance(value, list | tuple) else value
    return facts


_WORDS = {
    "accepts_auto": "size auto",
    "default_size": "default size",
    "is_exact": "exact sizes",
    "qualities": "qualities",
    "quality_default": "default quality",
    "tasks": "tasks",
    "prompt_max_chars": "characters of a prompt",
    "max_n": "images of a request",
    "response_format_default": "default response format",
    "formats": "output formats",
    "most_references": "reference images of a request",
    "takes_ratio": "aspect_ratio and resolution",
    "token_rule": "token rule",
    "maker": "maker",
    "about": "good for",
    "source": "source",
    "position": "position",
    "is_enabled": "on offer",
    "deprecated_at": "deprecated_at",
    "sunset_at": "sunset_at",
    "successor": "successor",
}


def _size(row: Mapping[str, Any]) -> str:
    """A size in words, such as '4K, 16:9(4K)' or 'base, 3:2'."""
    parts = [row.get("tier", "base"), row.get("preset") or row.get("ratio")]
    return ", ".join(str(part) for part in parts if part)


def _parameter(row: Mapping[str, Any]) -> str:
    """A parameter in words, such as 'integer, least 0, most 5'."""
    return ", ".join(
        f"{row[key]}" if key == "type" else f"{key} {row[key]}" for key in KEYS if key in row
    )


def _unable(
    routes: Sequence[RouteInfo], before: ContractTerms, after: ContractTerms
) -> list[Unable]:
    """For each channel the sizes and tasks that it cannot do and that are new for it."""
    tasks = sorted(after.tasks - before.tasks)
    unable = []
    for route in routes:
        could_not = set(unmade_of([route], before))
        sizes = [size for size in unmade_of([route], after) if size not in could_not]
        needs = [PLAIN if task is Task.GENERATE else Needs(task, images=1) for task in tasks]
        lacking = [need.task.value for need in needs if route.abilities.lack(need)]
        if sizes or lacking:
            unable.append(Unable(route.channel_name, sizes, lacking))
    return unable


def _removals(before: ContractTerms, after: ContractTerms, now: datetime) -> list[Gone]:
    words = list(_removed_words(before, after))
    if not words:
        return []
    users = cells_bought(before.model, since_of(now))
    return [Gone(what, _users(kind, word, users)) for what, kind, word in words]


def _removed_words(before: ContractTerms, after: ContractTerms) -> Iterator[tuple[str, str, str]]:
    """Yield each word's label, its kind, and the word itself."""
    yield from _removed_sizes(before, after)
    for kind, words in (("quality", before.qualities), ("", before.quality_aliases)):
        for word in words:
            if after.quality(word) is None:
                yield f"quality {word}", kind, word
    for task in sorted(before.tasks - after.tasks):
        yield f"task {task}", "", task


def _removed_sizes(before: ContractTerms, after: ContractTerms) -> Iterator[tuple[str, str, str]]:
    for option in before.options:
        if after.option(str(option.size)) is None:
            yield f"size {option.size}", "size", str(option.size)
        elif option.preset and option.preset not in after.by_name:
            yield f"size {option.preset}", "", option.preset
    if before.size_rule and not _is_within(before.size_rule, after.size_rule):
        yield f"size {ANY} as by {before.size_rule}", "size", ANY
    if before.accepts_auto and not after.accepts_auto:
        yield f"size {AUTO}", "size", AUTO


def _is_within(rule: SizeRule, other: SizeRule | None) -> bool:
    """True if the other rule allows all that this one does."""
    if other is None or rule.step % other.step:
        return False
    least = rule.min_side >= other.min_side and rule.min_pixels >= other.min_pixels
    most = rule.max_side <= other.max_side and rule.max_pixels <= other.max_pixels
    return least and most and rule.max_ratio <= other.max_ratio


def _users(kind: str, word: str, users: CellUsers) -> Users | None:
    if kind == "size":
        return users.sizes.get(word, Users())
    return users.qualities.get(word, Users()) if kind == "quality" and word != AUTO else None
