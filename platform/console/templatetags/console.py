"""Filters of the console's templates."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html

from accounts.audit_log import support_name
from accounts.services.office.sign_up_credit import REASON
from billing.latency import between, rounded
from billing.price_rows import BookRow, PriceRow
from billing.selectors import current_table
from billing.selectors.office.reports import first_money
from console import amounts
from console.ops.declared import ACTS
from console.parts.drawn_charts import bar_groups, line_groups, seconds
from console.parts.generation_words import pixels, tier
from console.parts.page_query import troubles_of
from console.parts.places import Place
from console.parts.sentences import sentence
from console.site.pricing import priced_models
from console.workspace import places
from console.workspace.access import Workspace
from console.workspace.shared.first_call import models_of
from generation.catalogue.snapshot import current_catalogue
from generation.channels.declaration import Task
from pictor.kit.words import clock
from pictor.kit.words.money import Micros, from_decimal

register = template.Library()

DAYS_A_YEAR = 365

register.simple_tag(bar_groups)
register.simple_tag(line_groups)
for known in (pixels, seconds, sentence, support_name, tier):
    register.filter(known)
for name in ("price", "amount", "cents", "signed", "total", "balance", "unit"):
    register.filter(name, getattr(amounts, name))
register.filter("troubles", troubles_of)


@register.simple_tag
def images_for(micros: int, tenant_id: UUID | None = None) -> int:
    """How many images of the cheapest kind that buys, by the prices in force; 0 without prices."""
    now = clock.now()
    priced = priced_models(current_catalogue().on_offer(now), current_table(tenant_id, now))
    least = min((model.least for model in priced), default=Micros(0))
    return micros // least if least else 0


@register.simple_tag
def credit_to_try(workspace: Workspace) -> int:
    """The micros of the credit for signing up; 0 without one, and once a payment came in."""
    money = first_money(workspace.id, reason=REASON)
    return 0 if money.is_paid else money.credit


@register.filter
def by_pixels(row: PriceRow | BookRow, markup: Decimal | None = None) -> str:
    """'$0.030 the first megapixel, $0.015 each further one' of a row that has terms."""
    priced = row.priced(markup or Decimal(1)) if isinstance(row, BookRow) else row
    return priced.by_pixels(amounts.price)


@register.filter
def columns(heads: str) -> list[tuple[str, bool, bool]]:
    """The columns of 'Model | Cost: | (Actions)': the words above each, and two claims about it.

    As in Markdown, the cells of one with a colon are aligned to the right. What stands in
    parentheses is only heard. The words are the template's own, or of a closed set.
    """
    words = [word.strip() for word in heads.split("|")]
    return [(word.strip("(:)"), word.endswith(":"), word.startswith("(")) for word in words]


@register.filter
def dollars(decimal: str) -> str:
    """'$12.30' for '12.300000', the form in commands and the API."""
    return amounts.amount(from_decimal(decimal))


@register.filter
def groups(workspace: Workspace) -> Mapping[str, Sequence[Place]]:
    """The pages that a member may open, by their heading."""
    return places.groups_of(workspace)


@register.filter
def varying(workspace: Workspace) -> str:
    """The first model offered here that makes variations; empty if none does."""
    models = (one.model for one in models_of(workspace) if Task.VARIATION in one.tasks)
    return next(models, "")


@register.filter("places")
def places_in(workspace: Workspace) -> Sequence[Place]:
    """The same pages in one list, and the actions available everywhere."""
    return places.places_of(workspace)


@register.filter
def place_at(by_heading: Mapping[str, Sequence[Place]], path: str) -> str:
    """The address of the place that a page belongs to, the nearest one; empty if there is none."""
    listed_places = (place for listed in by_heading.values() for place in listed)
    above = [
        place.url
        for place in listed_places
        if path == place.url or (place.holds_more and path.startswith(place.url))
    ]
    return max(above, key=len, default="")


@register.filter
def runway(days: float) -> str:
    """The words for how long a balance lasts: 'under a day', '≈ 9 days', 'over a year'."""
    if days < 1:
        return "under a day"
    if days > DAYS_A_YEAR:
        return "over a year"
    return f"≈ {days:.0f} day{'' if round(days) == 1 else 's'}"


@register.filter
def ago(then: datetime) -> str:
    """'2 days ago': only the largest unit of Django's naturaltime."""
    largest, comma, _ = str(naturaltime(then)).partition(",")
    return f"{largest} ago" if comma else largest


@register.filter
def moment(text: str) -> datetime:
    """Parse a time in ISO 8601."""
    return datetime.fromisoformat(text)


@register.filter
def took(exact: float | None) -> str:
    """'about 4.1 s' for the quantile 4.12; a dash for None."""
    return "\N{EN DASH}" if exact is None else f"about {seconds(round(1000 * rounded(exact)))}"


@register.filter
def bucket(exact: float | None) -> str:
    """'3.6 to 4.2 s': the bucket of the quantile 4.12; empty for None."""
    return f"{between(exact)} s" if exact else ""


@register.filter
def figure(number: int, is_money: object) -> str:
    """'1,204', or '$0.001204' if it is money."""
    return amounts.amount(Micros(number)) if is_money else f"{number:,}"


@register.filter
def column(number: int, is_money: object) -> str:
    """The same in a column, where money has all of its decimals."""
    return amounts.price(Micros(number), 6) if is_money else f"{number:,}"


@register.filter
def linked(figure: str, rows: str) -> str:
    if not rows:
        return figure
    return format_html('<a class="text-ink" href="{}">{}</a>', rows, figure)


@register.simple_tag(takes_context=True)
def act(
    context: Context, name: str, subject: object = "", *, words: str = "", kind: str = "",
    query: str = "", about: str = "",
) -> str:  # fmt: skip
    """Return a button to the page of an act; empty for roles that may not.

    `words` are its label, `query` is that of the page's address, and `about` tells several on one
    page apart for people who hear it.
    """
    declared = ACTS[name]
    if declared.needs not in context["operator"].may:
        return ""
    where = reverse(f"ops:{name}", args=[subject] if declared.about else [])
    return format_html(
        '<a class="button button-{}" href="{}{}"{}>{}</a>',
        kind or ("danger" if declared.is_dangerous else "default"),
        where,
        f"?{query}" if query else "",
        format_html(' aria-label="{} {}"', words or declared.verb, about) if about else "",
        words or declared.verb,
    )
