"""Whether who asks sits at this machine."""

import ipaddress

from django.http import HttpRequest


def is_here(request: HttpRequest) -> bool:
    """Whether a request came over the loopback interface."""
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
