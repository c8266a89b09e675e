"""The options of a channel's change. A size is 'WxH' or 'auto'; amounts are micro-USD."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypedDict

from pictor.kit.words.money import Micros

ALL = "all"
"""The word for every model, or every size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTerms:
    """The terms on which a channel serves one model.

    Attributes:
        model: the public name.
        upstream_model: the vendor's name for it.
        sizes: taken natively; None leaves it to the channel's.
        quality_map: our quality words to the vendor's.
        cost_micros: our cost of one image, if it is flat and known.
        field_map: the vendor's names for fields; None leaves it to the kind.
    """

    model: str
    upstream_model: str
    sizes: Sequence[str] | None = None
    quality_map: Mapping[str, str] = field(default_factory=dict)
    cost_micros: int | None = None
    field_map: Mapping[str, Any] | None = None


class ChannelOptions(TypedDict, total=False):
    """Options to change; those not given stay as they are.

    The first are columns of Channel; `api_key` is stored encrypted. `settings`
    are all of the account's; another kind begins with none. `sizes` may be None or ("all",)
    for every size. `routes` sets the complete routes of the channel, and the options after it
    change routes: `models` selects them and may be ("all",), `maps` holds public name -> vendor's
    name, `cost` is our cost of one image of any of them. `words`, `sizes_of` and `costs` hold by
    public name quality words, sizes as those of a channel, and the cost of one image, `field_maps`
    the vendor's names for fields. `cost_again` is the highest doubtful cost, typed again. `retires`
    holds by model the day from which the vendor no longer has it.
    """

    kind: str
    base_url: str
    api_key: str
    settings: Mapping[str, str] | None
    is_enabled: bool
    serves: str
    priority: int
    weight: int
    timeout_seconds: int
    queue_seconds: int
    max_concurrency: int | None
    sizes: Sequence[str] | None
    ignored_fields: Sequence[str]
    refused_tasks: Sequence[str]
    max_images: int | None
    allows_exact_crop: bool
    allows_redispatch: bool
    retry_is_free: bool
    keeps_credentials: bool
    class_overrides: Mapping[str, str] | None
    routes: Sequence[RouteTerms]
    models: Sequence[str]
    maps: Mapping[str, str]
    words: Mapping[str, Mapping[str, str]]
    sizes_of: Mapping[str, Sequence[str] | None]
    cost: Micros
    costs: Mapping[str, Micros | None]
    field_maps: Mapping[str, Mapping[str, Any] | None]
    cost_again: Micros
    retires: Mapping[str, date | None]
