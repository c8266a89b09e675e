"""Acts done as a person does them on a page: the form, its effect, the button."""

import re
from hashlib import sha256
from typing import Any

from django.test import Client

from pictor.kit.words import ids

_SEEN = re.compile(r'name="seen" value="([0-9a-f]+)"')


def act_page(act: str, subject: object = "") -> str:
    """The address of an act's page."""
    return f"/ops/do/{act}/{f'{subject}/' if subject != '' else ''}"


def do(client: Client, act: str, subject: object = "", *, follow: Any = False, **typed: Any) -> Any:
    """Send the form, then once more with the effect that was shown, if it was."""
    page, form = act_page(act, subject), {"once": str(ids.new_uuid()), **typed}
    answer = client.post(page, form, follow=follow)
    seen = seen_in(answer)
    return client.post(page, {**form, "seen": seen}, follow=follow) if seen else answer


def seen_in(answer: Any) -> str:
    """What a page with an act's effect sends back; empty if it shows none."""
    found = _SEEN.search(answer.content.decode())
    return found[1] if found else ""


def digest_of(value: object) -> str:
    """What a page sends back that showed an effect which is decided by this value alone."""
    return sha256(repr(value).encode()).hexdigest()[:16]
