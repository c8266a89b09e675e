"""All acts and lists of the operator's console, by name."""

from collections.abc import Mapping
from typing import Any

from django.urls import URLPattern, path

from console.ops.acts import page_of
from console.ops.channels import acts as channels
from console.ops.generations import acts as generations
from console.ops.generations import in_bulk
from console.ops.reconciliation import acts as bills
from console.ops.tenants import acts as tenants
from console.ops.tenants import standing
from console.parts.acts import Act

_OF_SUBJECTS = (bills.ACTS, channels.ACTS, in_bulk.ACTS, generations.ACTS, tenants.ACTS, standing.ACTS)
ACTS: Mapping[str, Act[Any]] = {act.name: act for acts in _OF_SUBJECTS for act in acts}


def act_urls() -> list[URLPattern]:
    """Return the page of each act: /ops/do/tenant.suspend/ten_…/."""
    return [
        path(f"do/{act.name}/{'<str:subject>/' if act.about else ''}", page_of(act), name=act.name)
        for act in ACTS.values()
    ]
