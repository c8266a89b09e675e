"""Announce a model's end to callers: by headers before it, by a 410 afterwards.

A model without an end has no such header.

Sources: RFC 9745 (Deprecation), RFC 8594 (Sunset), RFC 5829 (successor-version).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime

from generation.catalogue.contracts import Catalogue, ContractTerms
from pictor.kit.words.errors import ModelSunset

GUIDE = "/docs/models/#when-a-model-ends"


def life_headers(catalogue: Catalogue, model: str, now: datetime) -> Mapping[str, str]:
    """The headers about the model's end.

    They are sent with answers to new requests and to quotes, and with the model itself.
    """
    contract = catalogue.contracts.get(model)
    if contract is None or contract.sunset_at is None or contract.deprecated_at is None:
        return {}
    links = [f'<{GUIDE}>; rel="deprecation"; type="text/html"']
    if successor := catalogue.successor_of(contract, now):
        links.insert(0, f'</v1/models/{successor}>; rel="successor-version"')
    return {
        "Deprecation": f"@{int(contract.deprecated_at.timestamp())}",
        "Sunset": format_datetime(contract.sunset_at.astimezone(UTC), usegmt=True),
        "Link": ", ".join(links),
    }


def sunset_of(catalogue: Catalogue, contract: ContractTerms, now: datetime) -> ModelSunset:
    """The refusal of a request for an ended model."""
    successor = catalogue.successor_of(contract, now)
    way_out = f"Use {successor} instead." if successor else "GET /v1/models lists the models."
    error = ModelSunset(
        f"The model {contract.model} ended at {contract.sunset_at:%Y-%m-%dT%H:%M:%SZ}. {way_out}",
        param="model",
    )
    error.headers.update(life_headers(catalogue, contract.model, now))
    return error
