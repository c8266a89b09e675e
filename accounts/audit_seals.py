"""The seals of audit events and of their chain. Pure except for the key.

An event is sealed when it is written and linked afterwards. Each link's seal covers the seal of the
link before it, so no event can be changed or removed unnoticed.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from ipaddress import ip_address
from typing import Any, NamedTuple

from pictor.kit.secrets.seals import NOTHING_BEFORE, microseconds, one_time_key, seal


class SealedEvent(NamedTuple):
    """The sealed columns of an audit event: all except its id and its seal."""

    actor_id: object
    actor_name: str
    tenant_id: object
    action: str
    object_type: str
    object_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    ip: str | None
    at: datetime

    @property
    def content(self) -> str:
        """The columns as JSON, identical before and after a round trip through the database."""
        plain = [
            None if self.actor_id is None else str(self.actor_id),
            self.actor_name,
            None if self.tenant_id is None else str(self.tenant_id),
            *(self.action, self.object_type, self.object_id, self.before, self.after),
            None if self.ip is None else ip_address(self.ip).packed.hex(),
            microseconds(self.at),
        ]
        return json.dumps(plain, sort_keys=True, separators=(",", ":"))


def event_seal(event: SealedEvent) -> bytes:
    return seal(one_time_key("audit event"), previous=NOTHING_BEFORE, content=event.content)


def link_seal(*, seq: int, event_id: int, event: SealedEvent, previous: bytes) -> bytes:
    """The seal of the chain's link with this number."""
    return seal(
        one_time_key(f"audit link {seq}"), previous=previous, content=f"{event_id}|{event.content}"
    )
