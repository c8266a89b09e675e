"""What a change of the offer does to traffic: each model's split by channel, before and after.

It is that of live requests which ask for nothing special, while every channel is well.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from django.db import transaction
from typing_extensions import override

from generation.catalogue.contracts import AUTO, Catalogue, ContractTerms
from generation.catalogue.snapshot import stored_catalogue
from generation.dispatch.selection import shares

MOST_SIZES = 3
"""That are named; of more, how many."""

Shares = Mapping[str, float]
"""By channel, from 0 to 1."""


class Split(NamedTuple):
    """How a model's requests are shared out before a change and after it.

    Attributes:
        model: the public name.
        sizes: for which it is so; empty for every size.
        before: of the channels that were asked first.
        after: of those that will be.
    """

    model: str
    sizes: tuple[str, ...]
    before: Shares
    after: Shares

    @override
    def __str__(self) -> str:
        """As 'gpt-image-2: sandbox 100 % -> 0 %, acme 0 % -> 100 %'."""
        pairs = {
            name: (self.before.get(name, 0.0), self.after.get(name, 0.0))
            for name in (*self.before, *self.after)
        }
        said = [
            f"{name} {_percent(was)} -> {_percent(will)}" for name, (was, will) in pairs.items()
        ]
        return f"{self.model}{_named(self.sizes)}: {', '.join(said)}"


def foreseen(change: Callable[[], object]) -> list[Split]:
    """The splits that `change` would bring about: it is made, and undone again.

    Raises whatever it raises.
    """
    with transaction.atomic():
        before = stored_catalogue()
        change()
        after = stored_catalogue()
        transaction.set_rollback(True)
    return splits(before, after)


def splits(before: Catalogue, after: Catalogue) -> list[Split]:
    """Those that differ, by model in the order of the contracts; a size goes with its likes."""
    return [one for contract in after.offered for one in _of_model(contract, before, after)]


def _of_model(contract: ContractTerms, before: Catalogue, after: Catalogue) -> Iterator[Split]:
    sizes = [*map(str, (option.size for option in contract.options))]
    sizes += [AUTO] if contract.accepts_auto else []
    found = {
        size: (_shares(before, contract, size), _shares(after, contract, size)) for size in sizes
    }
    while found:
        was, will = next(iter(found.values()))
        alike = tuple(size for size, pair in found.items() if pair == (was, will))
        if was != will:
            yield Split(contract.model, () if len(alike) == len(sizes) else alike, was, will)
        found = {size: pair for size, pair in found.items() if size not in alike}


def _shares(catalogue: Catalogue, contract: ContractTerms, size: str) -> Shares:
    routes = catalogue.routes_for(contract.model, livemode=True)
    found = shares(routes, contract=contract, size=size)
    return {one.candidate.route.channel_name: one.fraction for one in found if one.fraction}


def _named(sizes: tuple[str, ...]) -> str:
    if not sizes:
        return ""
    more = len(sizes) - MOST_SIZES
    return f" ({', '.join(sizes[:MOST_SIZES])}{f' and {more} more' if more > 0 else ''})"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.3g} %"
