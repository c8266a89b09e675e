"""What this provider knows: its objects, its events, its clock, and what it was told to do.

Everything is kept in memory, the newest of each kind; events for 30 days.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any, Final

from sandbox.stripe import forms, refusals
from sandbox.stripe.forms import Params
from sandbox.stripe.objects import VERSION, Thing, listed, make

EVENTS_KEPT_SECONDS: Final = 30 * 24 * 3600
_MOST_KEPT: Final = 50_000
_MOST_LISTED: Final = 100
_MOST_TYPES: Final = 20
_IF_ASKED: Final = {
    "checkout.session": {"line_items"},
    "charge": {"refunds"},
    "customer": {"tax_ids"},
    "invoice": {"payments"},
}
"""Fields that are answered only where `expand` names them."""


@dataclass(kw_only=True)
class Trouble:
    """What happens to the next calls."""

    kind: str
    left: int
    path: str
    seconds: float


@dataclass
class Bank:
    """One account of the provider, in test mode."""

    kinds: dict[str, dict[str, Thing]] = field(default_factory=lambda: defaultdict(dict))
    asked: dict[str, Params] = field(default_factory=dict)
    """The parameters of which a Checkout Session was made."""
    owners: dict[str, str] = field(default_factory=dict)
    """The Checkout Session or invoice of each PaymentIntent."""
    cards: dict[str, Thing] = field(default_factory=dict)
    """How saved cards behave, by payment method; others pay."""
    late_looks: int = 0
    """How often a new charge is shown before its balance transaction is."""
    late: dict[str, int] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    troubles: list[Trouble] = field(default_factory=list)
    origin: str = ""
    """Where the hosted pages are, for addresses in answers."""
    request: Thing | None = None
    """The call that runs now, for its events."""
    hook: tuple[str, str] | None = None
    """Address and secret of the webhook."""
    unsent: asyncio.Queue[Thing] = field(default_factory=asyncio.Queue)
    ahead_seconds: int = 0

    def now(self) -> int:
        """The time here, in whole seconds."""
        return int(time.time()) + self.ahead_seconds

    def add(self, kind: str, **facts: Any) -> Thing:
        """Make and keep an object."""
        thing = make(kind, created=self.now(), **facts)
        kept = self.kinds[kind]
        kept[thing["id"]] = thing
        if len(kept) > _MOST_KEPT:
            del kept[next(iter(kept))]
        return thing

    def get(self, kind: str, name: str, param: str = "id", *, status: int = 404) -> Thing:
        """The object of that id. Raises Refusal where there is none."""
        thing = self.kinds[kind].get(name)
        if thing is None:
            raise refusals.unknown(kind, name, param, status=status)
        return thing

    def named(self, kind: str, params: Params, param: str) -> Thing | None:
        """The object that a parameter names, if it names one."""
        name = params.get(param)
        return self.get(kind, name, param, status=400) if name else None

    def of(self, kind: str, **facts: Any) -> list[Thing]:
        """The objects of a kind with these values, newest first."""
        return [
            thing
            for thing in reversed(self.kinds[kind].values())
            if all(thing.get(name) == value for name, value in facts.items())
        ]

    def tell(self, name: str, thing: Thing, **before: Any) -> None:
        """Make an event of an object's new state, and ring."""
        data: Thing = {"object": self.render(thing)}
        if before:
            data["previous_attributes"] = before
        request = self.request or {"id": None, "idempotency_key": None}
        event = self.add(
            "event",
            api_version=VERSION,
            data=data,
            pending_webhooks=int(self.hook is not None),
            request=request,
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
        kind = value.get("object")
        asked: dict[str, list[str]] = {"data": []} if kind == "list" else {}
        for path in expand:
            first, _, rest = path.partition(".")
            if first not in value:
                message = f"This property cannot be expanded ({first})."
                raise refusals.invalid("expand", message)
            asked.setdefault(first, []).extend([rest] if rest else [])
        hidden = _IF_ASKED.get(kind, set()) if isinstance(kind, str) else set()
        answer = {
            name: self.render(self._whole(item) if name in asked else item, asked.get(name, ()))
            for name, item in value.items()
            if name not in hidden or name in asked
        }
        if kind == "charge" and value["id"] in self.late:
            self.seen.add(value["id"])
            answer["balance_transaction"] = None
        return answer

    def _whole(self, item: Any) -> Any:
        if isinstance(item, list):
            return [self._whole(one) for one in item]
        if isinstance(item, str):
            return next((kept[item] for kept in self.kinds.values() if item in kept), item)
        return item

    def looked(self) -> None:
        """Count a look at each late charge that was shown; the last one brings its transaction."""
        for name in self.seen & set(self.late):
            self.late[name] -= 1
            if self.late[name] <= 0:
                del self.late[name]
                self.tell("charge.updated", self.kinds["charge"][name], balance_transaction=None)
        self.seen.clear()

    def page(self, kind: str, params: Params, url: str, **facts: Any) -> Thing:
        """One page of a kind's list, newest first, as `created`, `limit` and the cursors say."""
        limit = forms.whole(params, "limit", 10)
        if not 1 <= limit <= _MOST_LISTED:
            raise refusals.invalid("limit", "This value must be between 1 and 100.")
        wanted = {name: value for name, value in facts.items() if value is not None}
        found = [thing for thing in self.of(kind, **wanted) if self._is_in(thing, params)]
        if (name := params.get("starting_after")) is not None:
            self.get(kind, name, "starting_after", status=400)
            found = _after(found, name)
        elif (name := params.get("ending_before")) is not None:
            self.get(kind, name, "ending_before", status=400)
            found = _after(found[::-1], name)
            return listed(found[:limit][::-1], url, has_more=len(found) > limit)
        return listed(found[:limit], url, has_more=len(found) > limit)

    def _is_in(self, thing: Thing, params: Params) -> bool:
        created, at = params.get("created", {}), thing["created"]
        if isinstance(created, str):
            created = {"gte": created, "lte": created}
        if thing["object"] == "event" and at < self.now() - EVENTS_KEPT_SECONDS:
            return False
        if thing["object"] == "balance_transaction" and thing["source"] in self.late:
            return False
        return (
            at >= forms.whole(created, "gte", 0)
            and at > forms.whole(created, "gt", -1)
            and at <= forms.whole(created, "lte", at)
            and at < forms.whole(created, "lt", at + 1)
            and _is_of_type(thing, params)
        )


def _is_of_type(thing: Thing, params: Params) -> bool:
    types, name = params.get("types"), params.get("type")
    if types is not None and (not isinstance(types, list) or len(types) > _MOST_TYPES):
        raise refusals.invalid("types", "You can list up to 20 types of events.")
    if types is not None and thing["type"] not in types:
        return False
    return name is None or fnmatch(thing["type"], name)


def _after(things: Iterable[Thing], name: str) -> list[Thing]:
    rest = iter(things)
    for thing in rest:
        if thing["id"] == name:
            break
    return list(rest)
