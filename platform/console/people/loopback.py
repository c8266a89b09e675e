"""Recognition of requests from this machine."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

from pictor.kit.words.client_addresses import is_own_address


def is_loopback(request: HttpRequest) -> bool:
    """True if a request came over the loopback interface, and through no proxy.

    A request from one of our proxies that named no client has the proxy's own address.
    """
    if not is_own_address(
        getattr(request, "scope", {})
    ):  # requests of Django's test client have none
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return address.is_loopback and not any(address in proxy for proxy in settings.TRUSTED_PROXIES)
