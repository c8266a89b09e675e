"""The urls an endpoint may have: https, or http to an allow-listed origin; public addresses only.

Checked when an endpoint is created or changed, so a mistake shows at once; the address is checked
again for each request (pictor/kit/outbound/egress.py). A name that does not resolve and one that
leads to a private address get the same answer, so tenants cannot learn our network's names.

A name server may never answer. As only two look-ups run at once, a slow name occupies at most two
threads of a web process, for a few seconds; other requests get Unavailable meanwhile.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from django.conf import settings
from django.core.exceptions import ValidationError

from pictor.kit.outbound import egress
from pictor.kit.words.errors import Unavailable
from webhooks.models import MAX_URL_CHARS

LOOK_UP_SECONDS = 3.0
LOOK_UPS = 2
_look_ups = ThreadPoolExecutor(LOOK_UPS, thread_name_prefix="webhook-dns")
_turns = threading.BoundedSemaphore(LOOK_UPS)


def check_url(url: str) -> None:
    """Raise ValidationError for the field `url` if it is not allowed; Unavailable if too busy."""
    if len(url) > MAX_URL_CHARS:
        raise ValidationError({"url": f"url must have at most {MAX_URL_CHARS} characters."})
    try:
        is_fit = _is_fit(url)
    except (egress.EgressRefused, OSError, UnicodeError, ValueError, TimeoutError):
        is_fit = False
    if not is_fit:
        raise ValidationError(
            {"url": "url must be https, without user info, and resolve only to public addresses."}
        )


def _is_fit(url: str) -> bool:
    parsed = egress.parse(url)
    origin = egress.origin_of(parsed, settings.WEBHOOK_ALLOW)
    if origin.host_port in settings.WEBHOOK_ALLOW:
        return not parsed.userinfo
    # Before the look-up, which takes one of the two turns.
    egress.check_form(url)
    addresses = _addresses_of(origin)
    return bool(addresses) and all(egress.is_public(ip_address(address)) for address in addresses)


def _addresses_of(origin: egress.Origin) -> list[str]:
    if not _turns.acquire(blocking=False):
        raise Unavailable("Other urls are being checked; try again in a moment.", retry_after=1)
    look_up = _look_ups.submit(egress.resolve, origin.host, origin.port)
    look_up.add_done_callback(lambda _: _turns.release())  # even after a timeout
    return look_up.result(LOOK_UP_SECONDS)
