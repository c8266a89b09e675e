"""Links for requesting a list as a file, if it takes too long for a request."""

from collections.abc import Iterable, Sequence
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from console.parts import exports
from console.parts.exports import Rows, csv_answer, query_of


def ordering(request: HttpRequest, tenant: str, name: str) -> str:
    """The address at which this list, with its filters, can be requested as a file."""
    page = reverse("workspace:exports", args=[tenant])
    pairs = [(key, value) for key, values in query_of(request).lists() for value in values]
    return request.build_absolute_uri(f"{page}?{urlencode([('list', name), *pairs])}")


def file_of(
    request: HttpRequest,
    tenant: str,
    name: str,
    columns: Sequence[str],
    pages: Iterable[Rows],
    *,
    number: int,
) -> HttpResponseBase:
    """Return a list with so many rows as CSV, or redirect to its export if it is long."""
    way = ordering(request, tenant, name)
    if number > exports.MAX_ROWS:
        return HttpResponseRedirect(way)
    return csv_answer(f"{name}.csv", columns, pages, rest=f"make the whole file at {way}")
