"""Where a list that is too long to be waited for is asked for as a file."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from console.parts.exports import query_of


def ordering(request: HttpRequest, tenant: str, name: str) -> str:
    """Where this list, as it is filtered, is asked for as a whole."""
    page = reverse("workspace:exports", args=[tenant])
    said = [(key, value) for key, values in query_of(request).lists() for value in values]
    return request.build_absolute_uri(f"{page}?{urlencode([('list', name), *said])}")


def to_order(request: HttpRequest, tenant: str, name: str) -> HttpResponseRedirect:
    """A list that is too long to be waited for is asked for."""
    return HttpResponseRedirect(ordering(request, tenant, name))
