"""The shared price lists, with their number of tenants and the book in force."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from billing.selectors.office.price_lists import SharedList, price_lists
from billing.services.office.price_lists import create_price_list
from console.ops.access import POST, Operator, Permission, by, done, rendered, staff
from console.parts.exports import csv_answer
from pictor.kit.words import clock

COLUMNS = ("list", "tenants", "prices", "in_force", "since", "scheduled")


@staff(Permission.SEE)
def listing(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    if request.GET.get("format") == "csv":
        rows = [_cells(price_list) for price_list in price_lists(clock.now())]
        return csv_answer("price-lists.csv", COLUMNS, [rows])
    return _page(request, operator)


@staff(Permission.MONEY, POST)
def create(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Create a list without prices or tenants, which charges no tenant yet."""
    name = request.POST.get("name", "")
    try:
        price_list = create_price_list(name=name, **by(request, operator))
    except ValidationError as error:
        return _page(request, operator, name=name, refusal=" ".join(error.messages))
    return done(request, f"{price_list.name} has no prices yet", "price_list", str(price_list.pk))


def _page(
    request: HttpRequest, operator: Operator, *, name: str = "", refusal: str = ""
) -> HttpResponse:
    context = {
        "rows": price_lists(clock.now()),
        "name": name,
        "refusal": refusal[:1].upper() + refusal[1:],
    }
    return rendered(request, operator, "ops/price_lists.html", context, refused=refusal)


def _cells(price_list: SharedList) -> list[object]:
    book = price_list.book
    return [
        price_list.price_list.name,
        price_list.tenants,
        price_list.cells,
        book.known_as if book else "",
        book.effective_from if book else "",
        price_list.scheduled,
    ]
