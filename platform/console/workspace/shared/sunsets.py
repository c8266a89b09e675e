"""Models that end, as whoever uses them reads it above their pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.selectors import used_of
from console.workspace.access import Workspace
from generation.oversight.sunset_mail import LOOK_BACK

NEAR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Ending:
    """One model that this workspace has used in the last 30 days.

    Attributes:
        model: its name.
        at: when it ends, or ended.
        is_over: which of these.
        successor: what to ask for in its place; empty where there is nothing.
        images: how many came of it in these 30 days.
        kind: of its banner.
    """

    model: str
    at: datetime
    is_over: bool
    successor: str
    images: int
    kind: str


def endings_of(
    workspace: Workspace, now: datetime, *, used: Mapping[str, int] | None = None
) -> Sequence[Ending]:
    """The next end first.

    `used` are the images of the models that were asked for in 30 days; where it is not known yet,
    the database is asked, if a model ends at all.
    """
    catalogue = workspace.catalogue
    ends = [
        (contract.sunset_at, contract)
        for contract in catalogue.contracts.values()
        if contract.sunset_at is not None and contract.sunset_at > now - LOOK_BACK
    ]
    if not ends:
        return []
    if used is None:
        used = used_of(workspace.id, [one.model for _, one in ends], since=now - LOOK_BACK)
    return [
        Ending(
            model=contract.model,
            at=at,
            is_over=at <= now,
            successor=catalogue.successor_of(contract, now),
            images=used[contract.model],
            kind="bad" if at <= now else "warn" if at <= now + NEAR else "info",
        )
        for at, contract in sorted(ends, key=lambda end: (end[0], end[1].model))
        if contract.model in used
    ]
