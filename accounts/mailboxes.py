"""The mailbox behind an e-mail address, where a provider maps several addresses to one. Pure.

Gmail and Proton ignore dots; all listed providers treat the part after a plus as a label. Other
providers' addresses are taken as they are.
"""

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


def mailbox_of(address: str) -> str:
    """One spelling for all addresses of a mailbox: lower case, without labels."""
    local, _, domain = address.strip().casefold().rpartition("@")
    domain = _ONE_DOMAIN.get(domain, domain)
    name = local.partition("+")[0] if domain in _LABELS else local
    if domain in _IGNORE_DOTS:
        name = name.replace(".", "")
    return f"{name or local}@{domain}"
