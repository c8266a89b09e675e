"""The contracts' snapshot: the promise of each public model name. Pure, frozen, shared by threads.

A contract lists its sizes; a preset name ("16:9(4K)") and its pixel size are both legal. The size
tier comes from a table per model, not a formula: 2048x2048 is 2K in one contract, 4K in another.
`auto` stands for a size that is known only when the image comes back, `any` for each size that the
contract's rule allows besides.

Source: the files in catalogue/models/ and operators' own, kept as rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from operator import attrgetter, itemgetter
from typing import Any
from uuid import UUID

from billing.price_rows import ANY
from billing.upstream_cost import Costs
from generation.catalogue.parameters import Parameter, parameter_of
from generation.channels.base import ChannelConfig
from generation.channels.declaration import AUTO_SIZE, Abilities, Task
from generation.channels.size_rules import Size, SizeRule

AUTO = AUTO_SIZE
ASPECT_RATIO, RESOLUTION = "aspect_ratio", "resolution"
"""Fields that choose a size by its ratio and its tier, of models that take them."""


@dataclass(frozen=True, slots=True)
class SizeOption:
    """One legal size of a contract: its pixels, price tier, named ratio and preset, if any."""

    size: Size
    tier: str
    ratio: str
    preset: str | None = None


@dataclass(frozen=True)
class ContractTerms:
    """The promise of a public model name.

    If `is_exact`, only channels that make the size natively may serve it. `qualities` are the
    contract's words in rising order, `quality_aliases` map further words to one of them. `tasks`
    are the accepted tasks, `formats` the output formats, the usual one first; `token_rule` says
    what reported tokens prove of the quality, empty if nothing. The model ends at `sunset_at`;
    `successor` replaces it.
    """

    model: str
    options: tuple[SizeOption, ...]
    accepts_auto: bool
    default_size: str
    qualities: tuple[str, ...]
    quality_default: str
    quality_aliases: Mapping[str, str]
    prompt_max_chars: int
    max_n: int
    response_format_default: str
    is_exact: bool
    tasks: frozenset[Task]
    maker: str = ""
    about: str = ""
    source: str = ""
    formats: tuple[str, ...] = ("png", "jpeg", "webp")
    parameters: tuple[Parameter, ...] = ()
    takes_ratio: bool = False
    size_rule: SizeRule | None = None
    most_references: int | None = None
    token_rule: str = ""
    created: int = 0
    is_enabled: bool = True
    deprecated_at: datetime | None = None
    sunset_at: datetime | None = None
    successor: str = ""

    @property
    def made_by(self) -> str:
        """Its maker, as callers read it."""
        return self.maker or "pictor"

    @cached_property
    def parameter_schemas(self) -> Mapping[str, Mapping[str, Any]]:
        """Each of its own fields as JSON Schema, by name."""
        return {one.name: one.schema for one in self.own_fields}

    @cached_property
    def own_fields(self) -> tuple[Parameter, ...]:
        """Its parameters and, if it takes a ratio, the two fields that choose one of its sizes."""
        if not self.takes_ratio:
            return self.parameters
        ratios, tiers = ([*map(attrgetter(name), self.options)] for name in ("ratio", "tier"))
        return (
            Parameter(ASPECT_RATIO, "word", words=tuple(dict.fromkeys(ratios))),
            Parameter(RESOLUTION, "word", words=tuple(dict.fromkeys(tiers))),
            *self.parameters,
        )

    @cached_property
    def by_name(self) -> Mapping[str, SizeOption]:
        """Every legal word for a size, presets and pixels, to its option."""
        named = {str(option.size): option for option in self.options}
        return named | {option.preset: option for option in self.options if option.preset}

    def option(self, word: str) -> SizeOption | None:
        """The option of a word for a size, listed or allowed by the rule; None if it is neither."""
        listed = self.by_name.get(word)
        if listed is not None or self.size_rule is None:
            return listed
        size = Size.of(word)
        is_allowed = size is not None and self.size_rule.allows(size)
        return SizeOption(size, ANY, size.ratio) if size and is_allowed else None

    @cached_property
    def size_names(self) -> tuple[str, ...]:
        """Every listed value of `size`, as an error message lists them."""
        presets = (option.preset for option in self.options if option.preset)
        return (*presets, *(size for size in self.priced_sizes if size != ANY))

    @cached_property
    def priced_sizes(self) -> tuple[str, ...]:
        """Every size that has a price: 'WxH', AUTO, and ANY for those of the rule."""
        sizes = (str(option.size) for option in self.options)
        return (*sizes, *[AUTO] * self.accepts_auto, *[ANY] * (self.size_rule is not None))

    @cached_property
    def price_keys(self) -> tuple[tuple[str, str, str], ...]:
        """The cells that need a price: the model, a priced size, each quality except auto."""
        words = [word for word in self.qualities if word != AUTO]
        return tuple((self.model, size, word) for size in self.priced_sizes for word in words)

    def has_ended(self, now: datetime) -> bool:
        """True if the model takes no more requests."""
        return self.sunset_at is not None and self.sunset_at <= now

    def quality(self, word: str) -> str | None:
        """The contract's own word for a quality, or None if it is not legal."""
        word = self.quality_aliases.get(word, word)
        return word if word in self.qualities else None


@dataclass(frozen=True)
class RouteInfo:
    """A channel's route for one model: where to send, under which name, and what it can honour.

    A lower priority goes first; weight shares the traffic of equals. A changed `reset_count` makes
    processes forget the channel's health. `abilities` are the adapter's, less those the operator
    says the account lacks. `defaults` are sent where the caller gives none, `settings` are those of
    the account, `field_map` is the route's. Only a sandbox has `serves_test`.
    """

    channel_id: int
    channel_name: str
    kind: str
    base_url: str
    api_key: str = field(repr=False)
    priority: int
    weight: int
    timeout_seconds: int
    queue_seconds: int
    max_concurrency: int | None
    reset_count: int
    model: str
    upstream_model: str
    quality_map: Mapping[str, str]
    abilities: Abilities
    allows_exact_crop: bool
    allows_redispatch: bool
    retry_is_free: bool
    class_overrides: Mapping[int, str]
    costs: Costs
    defaults: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    field_map: Mapping[str, Any] = field(default_factory=dict)
    keeps_credentials: bool = True
    serves_live: bool = True
    serves_test: bool = False

    def config(self, timeout_seconds: float) -> ChannelConfig:
        """The configuration that opens its adapter."""
        return ChannelConfig(
            id=str(self.channel_id),
            name=self.channel_name,
            kind=self.kind,
            base_url=self.base_url,
            api_key=self.api_key,
            timeout_seconds=timeout_seconds,
            upstream_models={self.model: self.upstream_model},
            settings=self.settings,
            field_map=self.field_map,
            max_n=self.abilities.max_n,
        )

    def quality_for(self, quality: str) -> str:
        """The upstream's word for our quality; empty if none is sent."""
        is_sent = "quality" in self.abilities.fields
        return self.quality_map.get(quality, quality) if is_sent else ""

    def serves(self, *, livemode: bool) -> bool:
        """True if it serves requests of this mode."""
        return self.serves_live if livemode else self.serves_test


@dataclass(frozen=True, slots=True)
class StopTerms:
    """A stop of a model, of a tenant, or of everything if neither is named."""

    model: str
    tenant_id: UUID | None
    words: str
    began_at: datetime

    def is_about(self, model: str, tenant_id: UUID | None) -> bool:
        """True if it stops this tenant's requests for this model."""
        return self.model in {"", model} and self.tenant_id in {None, tenant_id}


@dataclass(frozen=True)
class Catalogue:
    """Contracts, the routes that serve them and stops, at one revision of the configuration."""

    revision: int
    contracts: Mapping[str, ContractTerms] = field(default_factory=dict)
    routes: Mapping[str, tuple[RouteInfo, ...]] = field(default_factory=dict)
    stops: tuple[StopTerms, ...] = ()
    """From the widest to the narrowest."""
    unmarked: frozenset[UUID] = frozenset()
    """The tenants whose images say nothing of how they were made."""

    def contract(self, model: str) -> ContractTerms | None:
        """The enabled contract of that public name."""
        contract = self.contracts.get(model)
        return contract if contract and contract.is_enabled else None

    def known(self, model: str, now: datetime) -> ContractTerms | None:
        """The contract of that public name, enabled or ended."""
        contract = self.contracts.get(model)
        return contract if contract and (contract.is_enabled or contract.has_ended(now)) else None

    @property
    def offered(self) -> list[ContractTerms]:
        """Every enabled model."""
        return [contract for contract in self.contracts.values() if contract.is_enabled]

    def on_offer(self, now: datetime) -> list[ContractTerms]:
        """Every enabled model that has not ended."""
        return [contract for contract in self.offered if not contract.has_ended(now)]

    def ended(self, now: datetime) -> list[ContractTerms]:
        """Every model that has ended, switched off or not, the last one first."""
        over = [
            (contract.sunset_at, contract)
            for contract in self.contracts.values()
            if contract.sunset_at is not None and contract.has_ended(now)
        ]
        return [contract for _, contract in sorted(over, key=itemgetter(0), reverse=True)]

    def successor_of(self, contract: ContractTerms, now: datetime) -> str:
        """The successor, or its successor if it has ended; "" if there is none."""
        after = self.contracts.get(contract.successor)
        if after is None:
            return ""
        if after.has_ended(now):
            return self.successor_of(after, now)
        return after.model if after.is_enabled else ""

    def routes_for(self, model: str, *, livemode: bool) -> tuple[RouteInfo, ...]:
        """The channels that serve requests of that mode. A test costs nothing anywhere."""
        routes = self.routes.get(model, ())
        chosen = (route for route in routes if route.serves(livemode=livemode))
        if livemode:
            return tuple(chosen)
        return tuple(replace(route, costs=Costs(is_free=True)) for route in chosen)

    def stop_of(self, model: str, tenant_id: UUID | None = None) -> StopTerms | None:
        """The stop of this model's requests, for everyone or for this tenant."""
        return next((stop for stop in self.stops if stop.is_about(model, tenant_id)), None)

    def takes_references(self, model: str) -> bool:
        """True if a live channel of the model takes reference images, and its contract any."""
        routes = self.routes_for(model, livemode=True)
        contract = self.contract(model)
        is_refused = contract is not None and contract.most_references == 0
        return not is_refused and any("image" in route.abilities.fields for route in routes)


_AS_STORED = (
    "model", "accepts_auto", "default_size", "quality_default", "prompt_max_chars", "max_n",
    "response_format_default", "is_exact", "maker", "about", "source", "takes_ratio",
    "most_references", "token_rule", "created",
)  # fmt: skip


def contract_from(row: Mapping[str, Any]) -> ContractTerms:
    """A contract from its stored form (the columns of `Contract`)."""
    return ContractTerms(
        **{name: row[name] for name in _AS_STORED},
        options=tuple(_options(row["sizes"])),
        size_rule=row["size_rule"] and SizeRule(**row["size_rule"]),
        qualities=tuple(row["qualities"]),
        quality_aliases=dict(row["quality_aliases"]),
        tasks=frozenset(map(Task, row["tasks"])),
        formats=tuple(row["formats"]),
        parameters=tuple(map(parameter_of, row["parameters"])),
        is_enabled=row.get("is_enabled", True),
        deprecated_at=row.get("deprecated_at"),
        sunset_at=row.get("sunset_at"),
        successor=row.get("successor", ""),
    )


def _options(sizes: Iterable[Mapping[str, str]]) -> Iterable[SizeOption]:
    for item in sizes:
        size = Size.parse(item["size"])
        preset = item.get("preset")
        ratio = item.get("ratio") or (preset.partition("(")[0] if preset else size.ratio)
        yield SizeOption(size=size, tier=item.get("tier", "base"), ratio=ratio, preset=preset)
