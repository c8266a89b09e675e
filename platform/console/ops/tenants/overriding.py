"""A tenant's own prices, where they differ from the prices below: typed cells become a draft."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict

from accounts.models import Tenant
from billing.models import PriceBook
from billing.price_rows import REFERENCE, BookRow, PriceKey, PriceRow
from billing.selectors import book_in_force, own_book_name, rows_of
from billing.selectors.office.price_layers import prices_below
from billing.services.office.prices import draft_price_book
from console.ops.access import FORM, Operator, Permission, by, done, rendered, staff
from console.ops.tenants.rows import tenant_of
from console.parts.form_fields import micros_of
from console.parts.page_query import word_of
from pictor.kit.words import clock
from pictor.kit.words.money import Micros, to_decimal


@dataclass(frozen=True, slots=True)
class OverrideLine:
    """A price below, and the tenant's own price for it; "" if it has none.

    Attributes:
        error: the reason why the typed text is no price.
    """

    key: PriceKey
    below: PriceRow
    typed: str
    error: str = ""

    @property
    def name(self) -> str:
        return " ".join(self.key)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The prices of a model to type, and the rest of the tenant's own book.

    Attributes:
        own: the tenant's own book in force.
        kept: the rows of that book.
        models: the models with prices that can be typed.
    """

    own: PriceBook | None
    kept: Mapping[PriceKey, BookRow]
    models: Sequence[str]
    model: str
    lines: Sequence[OverrideLine]

    @property
    def has_markup(self) -> bool:
        return self.own is not None and self.own.markup != 1

    @property
    def is_wrong(self) -> bool:
        return any(line.error for line in self.lines)

    @property
    def rows(self) -> list[BookRow]:
        """The typed prices that differ from those below, and the own prices of other models."""
        shown = {line.key for line in self.lines}
        rows = [row for key, row in self.kept.items() if key not in shown]
        for line in self.lines:
            micros = micros_of(line.typed)
            if micros is not None and micros != line.below.unit:
                rows.append(BookRow(*line.key, Micros(micros), line.below.width, line.below.height))
        return rows


@staff(Permission.MONEY, FORM, fresh=True)
def override(request: HttpRequest, operator: Operator, tenant: str) -> HttpResponse:
    """Draft the tenant's own book: the prices typed for a model, and the former ones of others."""
    found = tenant_of(tenant)
    if request.method != "POST":
        return _page(request, operator, found, _sheet(found, request.GET))
    sheet, complaint = _sheet(found, request.POST, is_sent=True), ""
    if not sheet.is_wrong:
        try:
            draft = _draft(request, operator, found, sheet)
        except ValidationError as error:
            complaint = " ".join(error.messages)
        else:
            words = f"{draft.known_as} is a draft and charges nobody yet"
            return done(request, words, "price_review", str(draft.pk))
    return _page(request, operator, found, sheet, complaint)


def _page(
    request: HttpRequest, operator: Operator, tenant: Tenant, sheet: Sheet, complaint: str = ""
) -> HttpResponse:
    context = {"tenant": tenant, "sheet": sheet, "complaint": complaint}
    is_sent = request.method == "POST"
    return rendered(request, operator, "ops/tenant_override.html", context, refused=is_sent)


def _sheet(tenant: Tenant, query: QueryDict, *, is_sent: bool = False) -> Sheet:
    """Return the prices of the requested model, as sent or as the tenant has them now."""
    now = clock.now()
    below, own = prices_below(tenant.id, now), book_in_force(tenant.id, now)
    kept = {row.key: row for row in rows_of(own)}
    typed = {key: row for key, row in sorted(below.items(), key=_place) if _is_typed(key, row)}
    models = list(dict.fromkeys(model for model, _, _ in typed))
    model = word_of(query, "model", models, models[0] if models else "")
    lines = [
        _line(key, row, kept.get(key), query if is_sent else None)
        for key, row in typed.items()
        if key[0] == model
    ]
    return Sheet(own, kept, models, model, lines)


def _place(priced: tuple[PriceKey, PriceRow]) -> tuple[str, int, PriceKey]:
    """Return the sort key: by model, smaller images first."""
    key, row = priced
    return (key[0], row.pixels, key)


def _is_typed(key: PriceKey, row: PriceRow) -> bool:
    """True if the price is charged for one image.

    Other prices are holds, and their charge follows the markup of a book.
    """
    return row.kind == "fixed" and key[1] != REFERENCE


def _line(
    key: PriceKey, below: PriceRow, own: BookRow | None, query: QueryDict | None
) -> OverrideLine:
    present = "" if own is None else to_decimal(own.micros)
    typed = present if query is None else query.get(" ".join(key), "").strip()
    return OverrideLine(key, below, typed, _error_in(typed))


def _error_in(typed: str) -> str:
    try:
        micros = micros_of(typed)
    except ValidationError as error:
        return " ".join(error.messages)
    return "Type a price above 0, or nothing." if micros is not None and micros <= 0 else ""


def _draft(request: HttpRequest, operator: Operator, tenant: Tenant, sheet: Sheet) -> PriceBook:
    """Draft the book. Raises ValidationError if nothing changes or the own book has a markup."""
    if sheet.has_markup:
        raise ValidationError("Its own book has a markup: make a new version of the book.")
    rows = sheet.rows
    if set(rows) == set(sheet.kept.values()):
        raise ValidationError("No price differs from what it pays now.")
    return draft_price_book(
        name=sheet.own.name if sheet.own else own_book_name(tenant),
        rows=rows,
        effective_from=clock.now(),
        tenant_id=tenant.id,
        is_once=True,
        **by(request, operator),
    )
