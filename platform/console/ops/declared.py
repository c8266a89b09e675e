"""All acts and lists of the operator's console, by name."""

from collections import UserDict
from collections.abc import Iterator
from typing import Any, TypeVar

from django.urls import URLPattern, path
from typing_extensions import override

from console.ops import operator_keys
from console.ops.acts import page_of
from console.ops.alerts import acts as alerts
from console.ops.audit import AUDIT
from console.ops.channels import acts as channels
from console.ops.channels.lists import CHANNELS
from console.ops.generations import acts as generations
from console.ops.generations import in_bulk, provenance
from console.ops.generations.lists import GENERATIONS
from console.ops.ledger.lists import LEDGER
from console.ops.margin.lists import UNCHARGED
from console.ops.models import acts as models
from console.ops.payments import acts as payments
from console.ops.payments.lists import PAYMENTS
from console.ops.prices import acts as prices
from console.ops.reconciliation import acts as bills
from console.ops.reconciliation.lists import BILLS
from console.ops.requests import REFUSED
from console.ops.system.lists import WORKERS
from console.ops.tenants import acts as tenants
from console.ops.tenants import founding, people, standing
from console.parts.acts import Act
from console.parts.listing import Listing

Declared = TypeVar("Declared", Act[Any], Listing[Any])


class ByName(UserDict[str, Declared]):
    """Declarations by name: those that are on in this installation; `data` has all."""

    @override
    def __contains__(self, name: object) -> bool:
        return name in self.data and self.data[str(name)].is_on()

    @override
    def __getitem__(self, name: str) -> Declared:
        if name not in self:
            raise KeyError(name)
        return self.data[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return (name for name in self.data if name in self)


_OF_SUBJECTS = (
    *(alerts.ACTS, bills.ACTS, channels.ACTS, in_bulk.ACTS, generations.ACTS, models.ACTS),
    *(payments.ACTS, provenance.ACTS, prices.ACTS, founding.ACTS, people.ACTS),
    *(standing.ACTS, tenants.ACTS),
)
_OF_PEOPLE: list[Act[Any]] = [act for acts in _OF_SUBJECTS for act in acts]


def _ticked() -> list[str]:
    return [
        act.name for act in _OF_PEOPLE if act.is_on() and not (act.not_fresh or act.never_by_key)
    ]


ACTS: ByName[Act[Any]] = ByName(
    {act.name: act for act in (*_OF_PEOPLE, *operator_keys.acts_of_keys(_ticked))}
)
_ALL_LISTS: list[Listing[Any]] = [
    *(AUDIT, BILLS, CHANNELS, GENERATIONS, LEDGER, PAYMENTS, REFUSED, UNCHARGED, WORKERS)
]
LISTS: ByName[Listing[Any]] = ByName({one.name: one for one in _ALL_LISTS})


def act_urls() -> list[URLPattern]:
    """Return the page of each act: /ops/do/tenant.suspend/ten_…/."""
    return [
        path(f"do/{act.name}/{'<str:subject>/' if act.about else ''}", page_of(act), name=act.name)
        for act in ACTS.data.values()
    ]
