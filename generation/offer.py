"""The contracts as accounts and billing ask for them: `accounts.offer.Offer`, see `apps.py`."""

from collections.abc import Mapping
from typing import Any

from accounts.offer import OfferedModel
from generation.catalogue.contracts import AUTO, contract_from
from generation.models import Contract


def models() -> list[OfferedModel]:
    """Every contract in its order."""
    return [_offered(row) for row in Contract.objects.order_by("position", "model").values()]


def _offered(row: Mapping[str, Any]) -> OfferedModel:
    terms = contract_from(row)
    sizes = [str(option.size) for option in terms.options]
    return OfferedModel(
        name=terms.model,
        is_enabled=terms.is_enabled,
        sizes=(*sizes, *([AUTO] if terms.accepts_auto else [])),
        qualities=tuple(word for word in terms.qualities if word != AUTO),
    )
