"""Constraints of accounts' columns beyond their types."""

import ipaddress
import zoneinfo
from functools import cache

from django.core.exceptions import ValidationError


def validate_ip_range(text: str) -> None:
    """Refuse anything but an address or a network in CIDR form."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise ValidationError(f"{text!r} is not an IP address or network") from None


def validate_time_zone(text: str) -> None:
    """Refuse anything but the name of a time zone, such as Europe/Berlin."""
    if text not in _time_zones():
        raise ValidationError(f"{text!r} is not the name of a time zone")


@cache
def _time_zones() -> frozenset[str]:
    """Every time zone's name, cached: finding them reads hundreds of files per new tenant."""
    return frozenset(zoneinfo.available_timezones())
