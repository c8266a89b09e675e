"""Banners about models that end or have ended, for workspaces that use them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.selectors import used_of
from console.workspace.access import Workspace
from generation.oversight.sunset_mail import LOOK_BACK

SUNSETS_AHEAD = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class ShownSunset:
    """One model that ends or has ended, and that this workspace has used in the last 30 days.

    Attributes:
        model: its name.
        at: when it ends, or ended.
        is_over: whether it has ended.
        successor: the model to request instead; empty if there is none.
        images: the images it made in these 30 days.
        kind: the banner's kind.
    """

    model: str
    at: datetime
    is_over: bool
    successor: str
    images: int
    kind: str


def sunsets_of(
    workspace: Workspace, now: datetime, *, used: Mapping[str, int] | None = None
) -> Sequence[ShownSunset]:
    """The ends of models that the workspace uses, the next one first.

    `used` are the images by requested model in 30 days; without it the database is queried, but
    only if a model ends at all.
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
        used = used_of(
            workspace.id, [contract.model for _, contract in ends], since=now - LOOK_BACK
        )
    return [
        ShownSunset(
            model=contract.model,
            at=at,
            is_over=at <= now,
            successor=catalogue.successor_of(contract, now),
            images=used[contract.model],
            kind="bad" if at <= now else "warn" if at <= now + SUNSETS_AHEAD else "info",
        )
        for at, contract in sorted(ends, key=lambda end: (end[0], end[1].model))
        if contract.model in used
    ]
