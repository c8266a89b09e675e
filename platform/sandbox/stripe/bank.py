"""What this provider knows: its objects, its events, its clock, and what it was told to do.

All in memory: the newest of each kind; events for 30 days.
"""

import asyncio
import operator
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any, Final

from sandbox.stripe.forms import Params
from sandbox.stripe.objects import VERSION, Refusal, Thing, listed, make

_EVENTS_KEPT_SECONDS: Final = 30 * 24 * 3600
_MOST_KEPT: Final = 20_000
_MOST_TYPES: Final = 20
_IF_ASKED: Final = {
    "charge": "refunds",
    "checkout.session": "line_items",
    "invoice": "payments",
}
"""Fields that are answered only where `expand` names them."""
_BOUNDS: Final = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


@dataclass
class Bank:
    """One account of the provider, in test mode."""

    kinds: dict[str, dict[str, Thing]] = field(default_factory=lambda: defaultdict(dict))
    asked: dict[str, Params] = field(default_factory=dict)  # what a Checkout Session is made of
    owners: dict[str, str] = field(default_factory=dict)  # a PaymentIntent's session or invoice
    cards: dict[str, Thing] = field(default_factory=dict)  # saved cards that do not simply pay
    troubles: list[Thing] = field(default_factory=list)
    late_looks: int = 0
    late: dict[str, int] = field(default_factory=dict)  # looks at a charge until its fee is known
    origin: str = ""  # of the hosted pages
    request: Thing | None = None  # the call that runs now, for its events
    hook: tuple[str, str] | None = None  # the webhook's address and secret
    unsent: asyncio.Queue[Thing] = field(default_factory=asyncio.Queue)
    ahead_seconds: int = 0

    def now(self) -> int:
        return int(time.time()) + self.ahead_seconds

    def add(self, kind: str, **facts: Any) -> Thing:
        """Make and keep an object."""
        thing, kept = make(kind, created=self.now(), **facts), self.kinds[kind]
        kept[thing["id"]] = thing
        if len(kept) > _MOST_KEPT:
            del kept[next(iter(kept))]
        return thing

    def get(self, kind: str, name: str, param: str = "id") -> Thing:
        """The object of that id; a deleted one is found by its own path alone."""
        thing, status = self.kinds[kind].get(name), 404 if param == "id" else 400
        if thing is None or ("deleted" in thing and param != "id"):
            facts = {"code": "resource_missing", "param": param}
            raise Refusal(f"No such {kind}: '{name}'", status=status, **facts)
        return thing

    def of(self, kind: str, **facts: Any) -> list[Thing]:
        """The objects of a kind with these values, newest first."""
        things, wanted = reversed(self.kinds[kind].values()), facts.items()
        return [one for one in things if all(one.get(name) == value for name, value in wanted)]

    def tell(self, name: str, thing: Thing, **before: Any) -> None:
        """Make an event of an object's new state, and ring."""
        event = self.add(
            "event",
            api_version=VERSION,
            data={"object": self.render(thing)}
            | ({"previous_attributes": before} if before else {}),
            pending_webhooks=int(self.hook is not None),
            request=self.request or {"id": None, "idempotency_key": None},
            type=name,
        )
        if self.hook is not None:
            self.unsent.put_nowait(event)

    def render(self, value: Any, expand: Sequence[str] = ()) -> Any:
        """A copy as it goes out, with objects for those ids that `expand` names."""
        if isinstance(value, list):
            return [self.render(item, expand) for item in value]
        if not isinstance(value, dict):
            return value
        kind = str(value.get("object"))
        asked: dict[str, list[str]] = {"data": []} if kind == "list" else {}
        for path in expand:
            first, _, rest = path.partition(".")
            if first not in value:
                raise Refusal(f"This property cannot be expanded ({first}).", param="expand")
            asked.setdefault(first, []).extend([rest] if rest else [])
        answer = {
            name: self.render(self._whole(item) if name in asked else item, asked.get(name, ()))
            for name, item in value.items()
            if name in asked or name != _IF_ASKED.get(kind)
        }
        return answer | ({"balance_transaction": None} if value.get("id") in self.late else {})

    def _whole(self, item: Any) -> Any:
        if isinstance(item, list):
            return [self._whole(one) for one in item]
        if isinstance(item, str):
            return next((kept[item] for kept in self.kinds.values() if item in kept), item)
        return item

    def look(self, text: str) -> None:
        """Count an answer's look at each late charge in it."""
        for name in [name for name in self.late if f'"{name}"' in text]:
            self.late[name] -= 1
            if not self.late[name]:
                del self.late[name]
                self.tell("charge.updated", self.kinds["charge"][name], balance_transaction=None)

    def page(self, kind: str, params: Params, path: str, names: Sequence[str] = ()) -> Thing:
        """A page of a kind's list, newest first, narrowed by the parameters of these names."""
        limit = int(params.get("limit", 10))
        types = params.get("types") or [params.get("type", "*")]
        if not 1 <= limit <= 100 or len(types) > _MOST_TYPES:  # noqa: PLR2004 - the API's bounds
            raise Refusal("`limit` is 1 to 100, and `types` are 20 at most.", param="limit")
        found = [
            thing
            for thing in self.of(kind, **{name: params[name] for name in names if name in params})
            if self._is_in(thing, params.get("created", {}))
            and any(fnmatch(thing.get("type", ""), name) for name in types)
        ]
        if after := params.get("starting_after"):
            last = self.get(kind, after, "starting_after")
            found = found[found.index(last) + 1 :] if last in found else []
        return listed(found[:limit], f"/v1/{path}", has_more=len(found) > limit)

    def _is_in(self, thing: Thing, created: Params | str) -> bool:
        bounds = {"gte": created, "lte": created} if isinstance(created, str) else created
        if thing["object"] == "event":
            bounds = {"gt": self.now() - _EVENTS_KEPT_SECONDS, **bounds}
        is_late = thing.get("source") in self.late
        at = thing.get("created", 0)
        return not is_late and all(_BOUNDS[name](at, int(end)) for name, end in bounds.items())
