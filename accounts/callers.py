"""The caller of a request: its key and its tenant, read as one row; uses of a former secret."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from accounts.models import Tenant
from accounts.quotas import Limits
from accounts.selectors import REVISION, SUSPENDED_BECAUSE
from pictor.kit.database import prepared
from pictor.kit.database.cursors import run
from pictor.kit.database.loop_connections import fetch_async
from pictor.kit.database.prepared import SqlPart, Statement
from pictor.kit.words.ids import TenantId
from pictor.kit.words.untyped import Row

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

NOTED_EVERY = timedelta(minutes=1)
"""The shortest time between two records that a rotated key's old secret is still used."""
_EVERY = f"interval '{NOTED_EVERY.total_seconds()} seconds'"

_VERSION = f"concat_ws(' ', k.xmin, t.xmin, {REVISION})"
"""SQL: a text that differs after every change of the key, its tenant or the configuration: each
UPDATE gives a row another xmin."""

# Raw SQL: this runs for every request, and the three tables' facts come in one round trip.
_CALLER = f"""
    SELECT k.id, k.tenant_id, t.status, k.scopes, k.allowed_models, t.own_models,
           k.ip_ranges, k.expires_at, k.revoked_at, k.is_test, k.default_response_format,
           t.storage_full_at IS NOT NULL, t.uncharged_until,
           CASE WHEN t.status <> 'active' THEN {SUSPENDED_BECAUSE.format(tenant="t.id")} END,
           COALESCE({REVISION}, 0), {_VERSION}, k.digest,
           COALESCE(k.previous_used_at < now() - {_EVERY}, true),
           LEAST(t.requests_per_minute, t.own_requests_per_minute),
           LEAST(t.images_per_minute, t.own_images_per_minute),
           k.requests_per_minute, k.images_per_minute,
           LEAST(t.max_in_flight, t.own_max_in_flight), k.max_in_flight,
           t.budget_day_micros, t.budget_month_micros,
           CASE WHEN NOT k.budget_warns_only THEN k.budget_day_micros END,
           CASE WHEN NOT k.budget_warns_only THEN k.budget_month_micros END
      FROM accounts_apikey k JOIN accounts_tenant t ON t.id = k.tenant_id
     WHERE k"""  # noqa: S608 - built from constants
_CALLER_BY_ID = f"{_CALLER}.id = %s"
_CALLER_BY_ONE = f"{_CALLER}.digest = %s"
_CALLER_BY_ANY = f"{_CALLER}.digest = ANY(%s)"
_CALLER_BEFORE = f"{_CALLER}.previous_digest = ANY(%s) AND k.previous_until > now()"
_UNCHANGED = f"""
    SELECT c.n FROM jsonb_to_recordset(%s::jsonb) AS c (n integer, key uuid, version text)
     WHERE c.key IS NULL OR c.version = (
           SELECT {_VERSION} FROM accounts_apikey k JOIN accounts_tenant t ON t.id = k.tenant_id
            WHERE k.id = c.key)
"""  # noqa: S608 - built from constants
_NOTE_USE = """
UPDATE accounts_apikey SET previous_used_at = %s WHERE id = (
    SELECT id FROM accounts_apikey
     WHERE id = %s AND previous_digest = ANY(%s)
       AND (previous_used_at IS NULL OR previous_used_at < %s)
       FOR UPDATE SKIP LOCKED)
"""


class _KeyState(NamedTuple):
    """The first columns of _CALLER, in order; the rest are Limits."""

    key_id: UUID
    tenant_id: TenantId
    status: str
    scopes: list[str]
    models: list[str] | None
    tenant_models: list[str] | None
    ip_ranges: list[str] | None
    expires_at: datetime | None
    revoked_at: datetime | None
    is_test: bool
    default_response_format: str
    storage_full: bool
    uncharged_until: datetime | None
    suspended_because: str | None
    revision: int
    version: str
    digest: bytes
    use_is_due: bool


@dataclass(frozen=True, slots=True)
class Caller:
    """An API key and its tenant, as one request sees them.

    The key's `models` and the tenant's `tenant_models` must both allow a model; None allows every
    model. Empty `ip_ranges` allow every address. `revision` tells whether the process's copy of the
    configuration is current. With `storage_full` or before `uncharged_until` no image is made.
    """

    key_id: UUID
    tenant_id: TenantId
    tenant_suspended: bool
    scopes: frozenset[str]
    models: frozenset[str] | None
    tenant_models: frozenset[str] | None
    ip_ranges: tuple[IpNetwork, ...]
    expires_at: datetime | None
    revoked_at: datetime | None
    is_test: bool
    default_response_format: str
    limits: Limits
    revision: int
    suspended_because: str = ""
    storage_full: bool = False
    uncharged_until: datetime | None = None
    version: str = field(default="", compare=False)
    """The versions that `unchanged_caller_part` compares; empty for a rotated key's old secret."""
    digest: bytes = field(default=b"", compare=False, repr=False)
    """The key's digest; empty if a rotated key's old secret was used, which cannot manage keys."""
    use_is_due: bool = field(default=False, compare=False)
    """True if the request used a rotated key's old secret and that use must be recorded."""

    def may_use(self, model: str) -> bool:
        """True if the key and its tenant both allow the model."""
        return all(words is None or model in words for words in (self.models, self.tenant_models))

    @property
    def livemode(self) -> bool:
        """True if the key spends real money and sees the generations made with it."""
        return not self.is_test


def caller_by_digest(digest: bytes, *others: bytes) -> Caller | None:
    """Return the caller whose key has this digest, even if revoked, expired or suspended.

    `others` are the same key's digests under older peppers. One query, and a second one for an
    unknown or rotated key.
    """
    both = _by_digest_statements(digest, others)
    return prepared.fetch(both[0]) or prepared.fetch(both[1])


async def caller_by_digest_async(digest: bytes, *others: bytes) -> Caller | None:
    """Like `caller_by_digest`, on the running loop."""
    present, former = _by_digest_statements(digest, others)
    return await fetch_async(present) or await fetch_async(former)


def unchanged_callers_part(callers: Sequence[Caller | None]) -> SqlPart:
    """A part of a statement with the place `n` of each caller who is unchanged, and of each None.

    It compares the versions of key, tenant and configuration with those the caller was read with.
    It does not check the clock: a key may expire meanwhile.
    """
    rows = [
        {"n": n, "key": caller and caller.key_id, "version": caller and caller.version}
        for n, caller in enumerate(callers)
    ]
    return SqlPart(_UNCHANGED, [prepared.rows_json(rows)])


def caller_of_key(key_id: UUID) -> Caller:
    """Return the caller of the key with this id. Raises LookupError if there is no such key."""
    caller = prepared.fetch(Statement(_CALLER_BY_ID, [key_id], _caller))
    if caller is None:
        raise LookupError(f"no key {key_id}")
    return caller


def _by_digest_statements(
    digest: bytes, others: Sequence[bytes]
) -> tuple[Statement[Caller | None], Statement[Caller | None]]:
    """Statements for the key's present text and for its text before a rotation."""
    any_of = [[digest, *others]]
    return (
        Statement(_CALLER_BY_ANY, any_of, _caller)
        if others
        else Statement(_CALLER_BY_ONE, [digest], _caller),
        Statement(_CALLER_BEFORE, any_of, _former_caller),
    )


def _former_caller(row: Row | None) -> Caller | None:
    caller = _caller(row)
    if row is None or caller is None:
        return None
    return replace(caller, version="", digest=b"", use_is_due=_key_state(row).use_is_due)


def _key_state(row: Row) -> _KeyState:
    return _KeyState._make(row[: len(_KeyState._fields)])


def _caller(row: Row | None) -> Caller | None:
    if row is None:
        return None
    state = _key_state(row)
    return Caller(
        key_id=state.key_id,
        tenant_id=state.tenant_id,
        tenant_suspended=state.status != Tenant.Status.ACTIVE.value,
        scopes=frozenset(state.scopes),
        models=None if state.models is None else frozenset(state.models),
        tenant_models=None if state.tenant_models is None else frozenset(state.tenant_models),
        ip_ranges=tuple(ipaddress.ip_network(text) for text in state.ip_ranges or ()),
        expires_at=state.expires_at,
        revoked_at=state.revoked_at,
        is_test=state.is_test,
        default_response_format=state.default_response_format,
        limits=Limits(*row[len(_KeyState._fields) :]),
        revision=state.revision,
        suspended_because=state.suspended_because or "",
        storage_full=state.storage_full,
        uncharged_until=state.uncharged_until,
        version=state.version,
        digest=bytes(state.digest),
    )


def note_former_use(*, key_id: UUID, digests: Sequence[bytes], now: datetime) -> None:
    """Record that a rotated key's old secret is still in use, at most once a minute.

    The person who rotated it can see when every program has the new one. Of several requests at
    once only the first writes; one with a text older than the former does not, and no request waits
    for a key that is being changed.
    """
    run(_NOTE_USE, [now, key_id, list(digests), now - NOTED_EVERY])


def is_inside(ip: str | None, networks: Sequence[IpNetwork]) -> bool:
    """True if one of the networks has the address; none has an unknown one."""
    try:
        address = ipaddress.ip_address(ip or "")
    except ValueError:
        return False
    # A dual-stack socket shows IPv4 clients as ::ffff:a.b.c.d.
    mapped = getattr(address, "ipv4_mapped", None)
    candidates = {address, mapped or address}
    return any(candidate in network for network in networks for candidate in candidates)
