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
_MOST_LEVELS: Final = 4  # of one property that is expanded
_IF_ASKED: Final = {"charge": "refunds", "invoice": "payments"}
"""Fields that are answered only where `expand` names them."""
_OF_PAGES: Final = {"created", "limit", "starting_after", "type", "types"}
_BOUNDS: Final = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}

Answer = tuple[int, Thing]
"""Status and body."""


@dataclass
class Kept:
    """What was asked under an idempotency key; without an answer it runs."""

    asked: tuple[str, str, str]
    at: int
    answer: Answer | None = None


@dataclass
class Bank:
    """One account of the provider, in test mode."""

    kinds: dict[str, dict[str, Thing]] = field(default_factory=lambda: defaultdict(dict))
    kept: dict[str, Kept] = field(default_factory=dict)  # by idempotency key
    cards: dict[str, Thing] = field(default_factory=dict)  # saved cards that do not simply pay
    troubles: list[Thing] = field(default_factory=list)
    late_looks: int = 0
    late: dict[str, int] = field(default_factory=dict)  # looks at a charge until its fee is booked
    origin: str = ""  # of the hosted pages
    hook: tuple[str, str] | None = None  # the webhook's address and secret
    unsent: asyncio.Queue[Thing] = field(default_factory=asyncio.Queue)
    ahead_seconds: int = 0

    def now(self) -> int:
        return int(time.time()) + self.ahead_seconds

    def add(self, kind: str, source: Thing, /, **facts: Any) -> Thing:
        """Make and keep an object: what it takes from a source, and facts."""
        thing, kept = make(kind, source) | {"created": self.now()} | facts, self.kinds[kind]
        kept[thing["id"]] = thing
        if len(kept) > _MOST_KEPT:
            del kept[next(iter(kept))]
        return thing

    def page_of(self, thing: Thing) -> str:
        """The address of an object's hosted page."""
        return f"{self.origin}/stripe/pay/{thing['id']}"

    def get(self, kind: str, name: str, param: str = "id") -> Thing:
        """The object of that id; a deleted one is found by its own path alone."""
        thing, status = self.kinds[kind].get(name), 404 if param == "id" else 400
        if thing is None or ("deleted" in thing and param != "id"):
            facts = {"code": "resource_missing", "param": param}
            raise Refusal(f"No such {kind}: '{name}'", status=status, **facts)
        return thing

    def of(self, kind: str, **facts: Any) -> list[Thing]:
        """The objects of a kind with these values, newest first."""
        things = reversed(self.kinds[kind].values())
        return [one for one in things if facts.items() <= one.items()]

    def tell(self, name: str, thing: Thing, **facts: Any) -> Thing:
        """Change an object, make an event of its new state, and ring."""
        thing |= facts
        about = {"api_version": VERSION, "pending_webhooks": int(self.hook is not None)}
        event = self.add("event", {}, type=name, data={"object": self.render(thing)}, **about)
        if self.hook is not None:
            self.unsent.put_nowait(event)
        return thing

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
            if first not in value or path.count(".") >= _MOST_LEVELS:
                raise Refusal(f"This property cannot be expanded ({first}).", param="expand")
            asked.setdefault(first, []).extend([rest] if rest else [])
        return {
            name: self.render(self._whole(item) if name in asked else item, asked.get(name, ()))
            for name, item in value.items()
            if name in asked or not (name.startswith("_") or name == _IF_ASKED.get(kind))
        }

    def _whole(self, item: Any) -> Any:
        if isinstance(item, list):
            return [self._whole(one) for one in item]
        return (self.find(item) or item) if isinstance(item, str) else item

    def find(self, name: str) -> Thing:
        """The object of that id, of whatever kind; empty if there is none."""
        return next((kept[name] for kept in self.kinds.values() if name in kept), {})

    def page(self, kind: str, params: Params, path: str) -> Thing:
        """A page of a kind's list, newest first, narrowed by the other parameters."""
        limit = int(params.get("limit", 10))
        if not 1 <= limit <= 100 or len(params.get("types", "")) > 20:  # noqa: PLR2004 - the API's
            raise Refusal("`limit` is 1 to 100, and `types` are 20 at most.", param="limit")
        found = [one for one in reversed(self.kinds[kind].values()) if self._fits(one, params)]
        if after := params.get("starting_after"):
            last = self.get(kind, after, "starting_after")
            found = found[found.index(last) + 1 :] if last in found else []
        return listed(found[:limit], f"/v1/{path}", has_more=len(found) > limit)

    def _fits(self, thing: Thing, params: Params) -> bool:
        kept = self.now() - _EVENTS_KEPT_SECONDS if thing["object"] == "event" else -1
        bounds = {"gt": kept, **params.get("created", {})}
        types = params.get("types") or [params.get("type", "*")]
        return (
            all(_BOUNDS[name](thing.get("created", 0), int(end)) for name, end in bounds.items())
            and any(fnmatch(thing.get("type", ""), name) for name in types)
            and all(
                params[name] in (thing.get(name), str(thing.get(name)).lower())  # or true, false
                for name in params.keys() - _OF_PAGES
            )
        )
