"""The mailbox behind an e-mail address, which may be spelled in several ways. Pure.

Gmail and Proton ignore dots; all listed providers treat the part after a plus as a label. Quotation
marks around a name, backslashes within, and what a domain's ASCII form leaves out, are dropped as
in sending.
"""

import re
from contextlib import suppress

_ONE_DOMAIN = {
    "googlemail.com": "gmail.com",
    "me.com": "icloud.com",
    "mac.com": "icloud.com",
    "protonmail.com": "proton.me",
    "pm.me": "proton.me",
}
_IGNORE_DOTS = frozenset({"gmail.com", "proton.me"})
_LABELS = frozenset(
    {
        *("gmail.com", "icloud.com", "proton.me", "outlook.com", "hotmail.com", "live.com"),
        *("msn.com", "fastmail.com", "fastmail.fm", "yahoo.com", "zoho.com", "hey.com"),
    }
)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def mailbox_of(address: str) -> str:
    """One spelling for all addresses of a mailbox: lower case, without a provider's labels."""
    local, domain = _parts(address)
    return _spelled(local, domain, has_labels=domain in _LABELS)


def any_mailbox_of(address: str) -> str:
    """Like `mailbox_of`, as if every domain knew labels: for who must not be two people."""
    return _spelled(*_parts(address), has_labels=True)


def _parts(address: str) -> tuple[str, str]:
    local, _, domain = address.strip().casefold().rpartition("@")
    if quoted := _QUOTED.fullmatch(local):
        name = _ESCAPED.sub(r"\1", quoted[1])
        local = f'"{name}"' if "@" in name else name
    with suppress(UnicodeError):  # no domain, so no mail is sent there
        domain = domain.encode("idna").decode()
    return local, _ONE_DOMAIN.get(domain, domain)


def _spelled(local: str, domain: str, *, has_labels: bool) -> str:
    name = local.partition("+")[0] if has_labels else local
    if domain in _IGNORE_DOTS:
        name = name.replace(".", "")
    return f"{name or local}@{domain}"
