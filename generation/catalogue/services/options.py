"""What a change of a channel may say. A size is 'WxH' or 'auto'; amounts are micro-USD."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypedDict

from pictor.kit.words.money import Micros

ALL = "all"
"""The word for every model, or every size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTerms:
    """How a channel serves one model.

    Attributes:
        model: the public name.
        upstream_model: the vendor's name for it.
        sizes: taken natively; None leaves it to the channel's.
        quality_map: our quality words to the vendor's.
        cost_micros: what one image costs us, where it is flat and known.
    """

    model: str
    upstream_model: str
    sizes: Sequence[str] | None = None
    quality_map: Mapping[str, str] = field(default_factory=dict)
    cost_micros: int | None = None


class ChannelOptions(TypedDict, total=False):
    """What is not named stays as it is.

    The first are columns of Channel; `api_key` is stored encrypted. `sizes` may be None or
    ("all",) for every size. Of the last ones, `routes` says all that the channel serves; the others
    change that: `models` may be ("all",), `maps` holds public name -> vendor's name of models that
    are served then, `cost` is what one image of any of them costs us. So do `words`, `sizes_of` and
    `costs`, by public name: quality words, sizes as those of a channel, and the cost of one image.
    `cost_again` is the highest cost that is in doubt, typed again. `retires` says of models that
    are served then from which day on the vendor has them no more.
    """

    kind: str
    base_url: str
    api_key: str
    is_enabled: bool
    serves: str
    priority: int
    weight: int
    timeout_seconds: int
    max_concurrency: int | None
    sizes: Sequence[str] | None
    ignored_fields: Sequence[str]
    refused_tasks: Sequence[str]
    max_images: int | None
    allows_exact_crop: bool
    allows_redispatch: bool
    retry_is_free: bool
    class_overrides: Mapping[str, str] | None
    routes: Sequence[RouteTerms]
    models: Sequence[str]
    maps: Mapping[str, str]
    words: Mapping[str, Mapping[str, str]]
    sizes_of: Mapping[str, Sequence[str] | None]
    cost: Micros
    costs: Mapping[str, Micros | None]
    cost_again: Micros
    retires: Mapping[str, date | None]
