"""The address of a vendor's account: whether it is valid, and whether calls to it are allowed.

The egress guard imports the HTTP client, which listing and switching channels do not need, so each
function that looks at an address imports it.
"""

import re
from contextlib import suppress
from ipaddress import ip_address

from django.core.exceptions import ValidationError

LARGEST_PORT = 65_535
_ENDPOINT = re.compile(
    r"/{1,2}(images/{1,2}(generations|edits|variations)|models|(chat/)?completions|responses)/{0,2}$",
    re.IGNORECASE,
)
"""What vendors' documents show behind the base URL, and people type with it."""


def checked_base_url(text: str) -> str:
    """The URL without an endpoint and slash at its end.

    Raises ValidationError unless it is plain http(s).
    """
    from pictor.kit.outbound import egress  # noqa: PLC0415 - see above

    if "{" in text:  # a preset's
        raise ValidationError(f"give your own address, in the form {text}")
    try:
        url = egress.parse(text.strip())
        port = url.port
    except (egress.EgressRefused, ValueError):
        raise ValidationError("the base URL cannot be read") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValidationError("the base URL must begin with http:// or https:// and name a host")
    if url.userinfo:
        raise ValidationError("the base URL must not hold a user name or password")
    if url.query or url.fragment or text.rstrip().endswith(("?", "#")):
        raise ValidationError("the base URL must not have a query or fragment")
    if port is not None and not 0 < port <= LARGEST_PORT:
        raise ValidationError("the base URL has an impossible port")
    return _ENDPOINT.sub("", str(url)).rstrip("/")


def origin_of(base_url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a checked base URL: the place a key is sent to."""
    from pictor.kit.outbound import egress  # noqa: PLC0415 - see above

    url = egress.parse(base_url)
    port = url.port or (443 if url.scheme == "https" else 80)
    return url.scheme, url.raw_host.decode("ascii").lower(), port


def egress_warning(base_url: str, *, allow: frozenset[str]) -> str | None:
    """The reason why calls to a checked base URL will be refused, or None. Resolves no name.

    It is only a warning: the list that the worker processes were started with decides.
    """
    from pictor.kit.outbound import egress  # noqa: PLC0415 - see above

    origin = egress.Origin(*origin_of(base_url))
    if origin.host_port in {entry.lower() for entry in allow}:
        return None
    if origin.scheme == "http":
        reason = "plain http"
    elif _is_private(origin.host):
        reason = "a private address"
    else:
        return None
    return (
        f"{origin.host_port} is {reason} and not in PICTOR_EGRESS_ALLOW: calls to it are refused"
        " until it is listed there for the workers"
    )


def _is_private(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    from pictor.kit.outbound import egress  # noqa: PLC0415 - see above

    with suppress(ValueError):
        return not egress.is_public(ip_address(host))
    return False
