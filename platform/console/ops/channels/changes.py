"""The effect of a change on traffic, which is made only as it was shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from django.http import Http404

from billing.upstream_cost import CostTable
from console.ops.channels.shown import sentence_about
from generation.catalogue import services
from generation.catalogue.services import STOPS, UNTESTED
from generation.catalogue.snapshot import current_catalogue
from generation.models import Channel
from generation.oversight.splits import Split, left_unserved, recent_sales, serving_instead, splits
from generation.selectors import channel_by_id
from pictor.kit.words import clock

MEANT = {STOPS: "may_stop", UNTESTED: "untested"}
"""The argument that confirms a refusal, by the refusal's code."""


@dataclass(frozen=True, slots=True)
class ChangeOutlook:
    """The effect of a change.

    Attributes:
        splits: the splits of traffic that differ.
        doubts: reasons why the channel's name must be typed, by code.
        of: a digest of the new configuration, if the splits do not contain it.
    """

    splits: list[Split]
    doubts: Mapping[str, str] = field(default_factory=dict)
    of: str = ""

    @property
    def rows(self) -> list[tuple[Split, list[tuple[str, float, float]]]]:
        """Each split with its channels and their percentages before and after."""
        return [
            (split, [(name, 100 * was, 100 * will) for name, was, will in split.channels])
            for split in self.splits
        ]

    @property
    def has_costs(self) -> bool:
        """True if a split includes the cost of a day."""
        return any(split.images for split in self.splits)

    @property
    def digest(self) -> str:
        """A digest that differs if the change would act differently.

        Amounts sold are left out, because they change by themselves.
        """
        parts = [repr(split[:4]) for split in self.splits] + [self.of, *self.doubts]
        parts += [words for code, words in self.doubts.items() if code != STOPS]
        return sha256("\n".join(parts).encode()).hexdigest()[:16]


def channel_or_404(pk: int, *, archived: bool = False) -> Channel:
    """Return the channel or raise Http404; archived channels only if `archived` is set."""
    found = channel_by_id(pk)
    if found is None or (found.archived_at is not None and not archived):
        raise Http404
    return found


def outlook_of(
    channel: Channel,
    routes: services.Routes,
    *,
    tables: tuple[CostTable, ...] = (),
    doubts: Mapping[str, str] | None = None,
    of: str = "",
) -> ChangeOutlook:
    """Return the effect if the channel, as given, served exactly these routes.

    Args:
        channel: the channel as it would be after the change.
        routes: all of its routes.
        tables: its cost tables.
        doubts: further reasons why the channel's name must be typed.
        of: a digest of the new configuration, if the splits do not contain it.
    """
    before = current_catalogue()
    after = serving_instead(before, channel, routes, tables=tables)
    doubts = dict(doubts or {})
    if left := left_unserved(before, after):
        doubts[STOPS] = sentence_about(" ".join(services.refusal_of(left).messages), channel)
    return ChangeOutlook(splits(before, after, sold=recent_sales(clock.now())), doubts, of)


def confirmed_arguments(outlook: ChangeOutlook) -> dict[str, Any]:
    """Return the arguments that confirm an outlook's doubts to a service."""
    return {MEANT[code]: True for code in outlook.doubts}
