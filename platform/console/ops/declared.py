"""All acts and lists of the operator's console, by name."""

from collections.abc import Mapping
from typing import Any

from django.urls import URLPattern, path

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
from console.ops.prices import acts as prices
from console.ops.reconciliation import acts as bills
from console.ops.reconciliation.lists import BILLS
from console.ops.requests import REFUSED
from console.ops.system.lists import WORKERS
from console.ops.tenants import acts as tenants
from console.ops.tenants import founding, people, standing
from console.parts.acts import Act
from console.parts.listing import Listing

_OF_SUBJECTS = (
    *(alerts.ACTS, bills.ACTS, channels.ACTS, in_bulk.ACTS, generations.ACTS, models.ACTS),
    *(provenance.ACTS, prices.ACTS, founding.ACTS, people.ACTS, standing.ACTS, tenants.ACTS),
)
_OF_PEOPLE: list[Act[Any]] = [act for acts in _OF_SUBJECTS for act in acts]
_TICKED = [act.name for act in _OF_PEOPLE if not (act.not_fresh or act.never_by_key)]
ACTS: Mapping[str, Act[Any]] = {
    act.name: act for act in (*_OF_PEOPLE, *operator_keys.acts_of_keys(_TICKED))
}
LISTS: Mapping[str, Listing[Any]] = {
    one.name: one
    for one in (AUDIT, BILLS, CHANNELS, GENERATIONS, LEDGER, REFUSED, UNCHARGED, WORKERS)
}


def act_urls() -> list[URLPattern]:
    """Return the page of each act: /ops/do/tenant.suspend/ten_…/."""
    return [
        path(f"do/{act.name}/{'<str:subject>/' if act.about else ''}", page_of(act), name=act.name)
        for act in ACTS.values()
    ]
