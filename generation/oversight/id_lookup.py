"""Trace an id for an operator: the generation made, or the request refused.

An id is `req_…`, `gen_…`, `img_…`, `key_…` or `ten_…`; the UUID of any of these but the first, or
of an attempt; a transfer's number; an e-mail address; an upstream's id for its answer; or a
tenant's name.

The result holds objects and lists of objects by name: for one generation those of
`inspection.describe`; `refused`, `key`, `tenant` and `transfer`; and a `person` with their
`workspaces`. `made` lists the generations of an upstream's id that has several; `made_lately` and
`refused_lately` list the same caller's requests, newest first.
"""

from typing import Any
from uuid import UUID

from accounts.selectors.office.api_keys import api_key_by_id
from accounts.selectors.office.members import memberships_of
from accounts.selectors.office.people import user_by_email
from accounts.selectors.office.tenants import tenant_by_name_or_id
from billing.selectors.office.balances import available_to, transfer_numbered
from generation.models import Generation, RefusedRequest
from generation.oversight.inspection import describe, iso_time, transfer_facts
from generation.selectors import (
    generation_by_image,
    generation_for_operator,
    generations_by_attempt,
    recent_generations,
    recent_refusals,
    refused_request,
)
from pictor.kit.endpoints.body import is_storable
from pictor.kit.words import ids
from pictor.kit.words.money import to_decimal

Trace = dict[str, Any]


def trace(text: str) -> Trace | None:
    """Return everything known about the id; None if it is unknown."""
    if not is_storable(text):
        return None
    ways = (_request, _generation, _image, _attempts, _key, _transfer, _tenant, _person)
    traces = (way(text) for way in ways)
    return next((trace for trace in traces if trace is not None), None)


def _request(text: str) -> Trace | None:
    refused = refused_request(text)
    if refused is None:
        return None
    generation = generation_for_operator(text)
    if generation is None and refused.generation_id is not None:
        generation = generation_for_operator(str(refused.generation_id))
    lately = recent_refusals(refused.caller)
    return {
        "refused": _refusal_facts(refused),
        **({} if generation is None else describe(generation)),
        "refused_lately": [_refusal_facts(refusal) for refusal in lately],
    }


def _generation(text: str) -> Trace | None:
    return _one(generation_for_operator(text))


def _image(text: str) -> Trace | None:
    image_id = ids.parse_either(ids.IMAGE, text)
    return None if image_id is None else _one(generation_by_image(image_id))


def _attempts(text: str) -> Trace | None:
    """Look up an attempt by our id or the upstream's; some upstreams give none of their own."""
    generations = generations_by_attempt(text)
    if generations[1:]:
        return {"made": [_generation_facts(generation) for generation in generations]}
    return _one(generations[0]) if generations else None


def _key(text: str) -> Trace | None:
    key = api_key_by_id(text)
    if key is None:
        return None
    facts = {
        "key": key.public_id,
        "name": key.name,
        "tenant": key.tenant.name,
        "tenant_id": key.tenant.public_id,
        "livemode": not key.is_test,
        "created_at": iso_time(key.created_at),
        "expires_at": iso_time(key.expires_at),
        "revoked_at": iso_time(key.revoked_at),
    }
    return {"key": facts, **_lately(key.tenant_id, key_id=key.id)}


def _tenant(text: str) -> Trace | None:
    tenant = tenant_by_name_or_id(text)
    if tenant is None:
        return None
    facts = {
        "tenant": tenant.public_id,
        "name": tenant.name,
        "status": tenant.status,
        "available": to_decimal(available_to(tenant.id)),
        "created_at": iso_time(tenant.created_at),
    }
    return {"tenant": facts, **_lately(tenant.id)}


def _transfer(text: str) -> Trace | None:
    transfer = transfer_numbered(text)
    if transfer is None:
        return None
    facts = {
        **transfer_facts(transfer),
        "tenant": transfer.tenant and transfer.tenant.name,
        "tenant_id": transfer.tenant and transfer.tenant.public_id,
        "reason": transfer.reason,
    }
    of = transfer.generation_id
    return {"transfer": facts, **((of and _generation(str(of))) or {})}


def _person(text: str) -> Trace | None:
    user = user_by_email(text)
    if user is None:
        return None
    workspaces = [
        {
            "tenant": membership.tenant.public_id,
            "name": membership.tenant.name,
            "role": membership.role,
        }
        for membership in memberships_of(user.id)
    ]
    return {"person": {"email": user.email, "name": user.name}, "workspaces": workspaces}


def _one(generation: Generation | None) -> Trace | None:
    return None if generation is None else describe(generation)


def _lately(tenant_id: UUID, *, key_id: UUID | None = None) -> Trace:
    generations = recent_generations(tenant_id, key_id=key_id)
    refused = recent_refusals(tenant_id, key_id=key_id)
    return {
        "made_lately": [_generation_facts(generation) for generation in generations],
        "refused_lately": [_refusal_facts(refusal) for refusal in refused],
    }


def _generation_facts(row: Generation) -> dict[str, Any]:
    return {
        "generation": row.public_id,
        "request": row.request_id,
        "at": iso_time(row.created_at),
        "model": row.model,
        "state": row.state,
    }


def _refusal_facts(row: RefusedRequest) -> dict[str, Any]:
    tenant, key, generation = row.tenant_id, row.key_id, row.generation_id
    return {
        "request": row.public_id,
        "at": iso_time(row.at),
        "status": row.status,
        "code": row.code,
        "param": row.param,
        "message": row.message,
        "limit": row.stopped_by,
        "model": row.model,
        "tenant_id": tenant and ids.public(ids.TENANT, tenant),
        "key_id": key and ids.public(ids.KEY, key),
        "generation_id": generation and ids.public(ids.GENERATION, generation),
        "ms": row.ms,
    }
