"""Where a session is open: noted as a person signs in, and then once a minute by each process."""

import ipaddress
import re
from datetime import UTC, datetime, timedelta

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest

from accounts.models import OpenSession
from accounts.services.office.open_sessions import note_session
from pictor.kit.words import clock
from pictor.kit.words.client_addresses import counted_address

BEGUN = "begun_at"
"""The session's mark: the second in which its person signed in."""
NOTED_FOR = timedelta(minutes=1)
_MAX_NOTED = 10_000

# A browser names itself, and those after it here as well.
_BROWSERS = "Edg=Edge OPR/=Opera Firefox/=Firefox FxiOS=Firefox Chrome/=Chrome CriOS=Chrome"
_SYSTEMS = "Android=Android iPhone=iPhone iPad=iPad Windows=Windows Macintosh=macOS CrOS=ChromeOS"
_noted: dict[str, datetime] = {}
"""When this process has noted a session, by digest."""


def note(request: HttpRequest, digest: str) -> None:
    """Note that a signed-in person's session was seen, if this process did not do so lately."""
    now = clock.now()
    if now - _noted.get(digest, datetime.min.replace(tzinfo=UTC)) < NOTED_FOR:
        return
    if len(_noted) >= _MAX_NOTED:
        _noted.clear()
    _noted[digest] = now
    begun = request.session.get(BEGUN)
    seen = OpenSession(
        digest=digest,
        user_id=request.session[SESSION_KEY],
        network=network_of(request.META.get("REMOTE_ADDR", "")),
        browser=browser_of(request.headers.get("User-Agent", "")),
        begun_at=datetime.fromtimestamp(begun, UTC) if begun else now,
        seen_at=now,
    )
    note_session(seen)


def network_of(address: str) -> str:
    """The network of an address, such as 203.0.113.0/24; empty for this machine, or no address."""
    try:
        parsed = ipaddress.ip_address(counted_address(address).partition("/")[0])
    except ValueError:
        return ""
    bits = 24 if isinstance(parsed, ipaddress.IPv4Address) else 48
    return "" if parsed.is_loopback else str(ipaddress.ip_network((parsed, bits), strict=False))


def browser_of(agent: str) -> str:
    """The names of browser and system, such as 'Firefox on Linux', or of another program."""
    other = re.match(r"[\w.-]{1,30}", agent)
    browser = _first(f"{_BROWSERS} Safari/=Safari", agent) or (
        other[0] if other else "Unknown browser"
    )
    system = _first(f"{_SYSTEMS} Linux=Linux", agent)
    return f"{browser} on {system}" if system else browser


def _first(marks: str, agent: str) -> str:
    pairs = (pair.split("=") for pair in marks.split())
    return next((name for mark, name in pairs if mark in agent), "")
