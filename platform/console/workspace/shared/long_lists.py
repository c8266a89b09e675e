"""Links for requesting a list as a file, if it takes too long for a request."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from console.parts.exports import query_of


def ordering(request: HttpRequest, tenant: str, name: str) -> str:
    """The address at which this list, with its filters, can be requested as a file."""
    page = reverse("workspace:exports", args=[tenant])
    pairs = [(key, value) for key, values in query_of(request).lists() for value in values]
    return request.build_absolute_uri(f"{page}?{urlencode([('list', name), *pairs])}")


def to_order(request: HttpRequest, tenant: str, name: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(ordering(request, tenant, name))
