"""The list of models: contract, channels and sales of each; those with trouble come first."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from billing.selectors.office.sold import sold_until, total_of
from console.ops.access import Operator, Permission, modes_of, rendered, staff
from console.ops.models.rows import ModelRow
from console.parts.exports import Rows, csv_answer
from console.parts.filters import Chip, link_of
from console.parts.page_query import word_of
from generation.oversight.model_list import LOOK_BACK_DAYS, Life, ListedModel, listed_models
from pictor.kit.words import clock
from pictor.kit.words.money import to_decimal

COLUMNS = (
    "model", "state", "ends_at", "successor", "sizes", "tiers", "accepts_auto", "qualities",
    "channels", "untested", "cells", "priced", "tenants_30_days", "images_30_days",
    "revenue_usd_30_days", "margin_usd_30_days", "images_of_unknown_cost", "last_used", "wrong",
)  # fmt: skip
_CHIPS: Mapping[str, tuple[str, Callable[[ListedModel], bool]]] = {
    "": ("All", lambda row: True),
    "attention": ("Needs attention", lambda row: bool(row.troubles)),
    "offer": ("On offer", lambda row: row.life is Life.OFFERED),
    "ending": ("Ending", lambda row: row.life is Life.ENDING),
    "off": ("Off or ended", lambda row: row.life in {Life.OFF, Life.ENDED}),
}


@staff(Permission.SEE)
def listing(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    """List the models that match the filter, with the sales of one mode."""
    listed = listed_models(mode=operator.mode.value, now=clock.now())
    chosen = word_of(request.GET, "show", _CHIPS)
    rows = [row for row in listed if _CHIPS[chosen][1](row)]
    if request.GET.get("format") == "csv":
        return csv_answer("models.csv", COLUMNS, [_cells(rows)])
    mode = operator.mode.query
    context: dict[str, Any] = {
        "rows": [ModelRow(row) for row in rows],
        "total": total_of([row.sold for row in rows]),
        "has_any": bool(listed),
        "chips": [
            Chip(link_of({"mode": mode}, show=name), word, name == chosen, sum(map(fits, listed)))
            for name, (word, fits) in _CHIPS.items()
        ],
        "modes": modes_of(operator, show=chosen),
        "mode": mode,
        "days": LOOK_BACK_DAYS,
        "until": sold_until(),
        "csv": link_of({"mode": mode, "show": chosen}, format="csv"),
    }
    return rendered(request, operator, "ops/models.html", context)


def _cells(rows: Sequence[ListedModel]) -> Rows:
    return [
        [
            row.terms.model, row.life.value, row.terms.sunset_at, row.terms.successor,
            " ".join(str(option.size) for option in row.terms.options),
            " ".join(dict.fromkeys(option.tier for option in row.terms.options)),
            row.terms.accepts_auto, " ".join(row.terms.qualities),
            " ".join(serving.channel for serving in row.serving), " ".join(row.untested),
            row.cells, row.priced, row.users, row.sold.images, to_decimal(row.sold.revenue),
            to_decimal(row.sold.margin), row.sold.unknown_images,
            row.used_at, "; ".join(row.troubles),
        ]
        for row in rows
    ]  # fmt: skip
