"""Heads of the ledger as a signed file, so that a holder can prove its origin.

The signing key (Ed25519) is derived from the ledger's key, so there is no other secret to keep. Its
public half is in every file; publish it once where customers can trust it.
"""

import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from billing.selectors.office.heads import Heads
from pictor.kit.secrets.seals import one_time_key


class BadHead(Exception):
    """The file is not a head of this ledger, or was changed."""


def sign(heads: Heads) -> str:
    """Return the heads with their signature, as JSON."""
    content = heads.as_json()
    key = _key()
    signature = key.sign(_canonical(content)).hex()
    return json.dumps({**content, "public_key": _public(key), "signature": signature}, indent=1)


def read_signed(text: str) -> Heads:
    """Read the heads of such a file. Raises BadHead unless this ledger signed exactly this."""
    try:
        content = json.loads(text)
        signature = bytes.fromhex(content.pop("signature"))
        content.pop("public_key")
        _key().public_key().verify(signature, _canonical(content))
        return Heads.from_json(content)
    except InvalidSignature:
        raise BadHead("the signature is not this ledger's") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadHead("this is not a ledger head") from None


def _key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(one_time_key("ledger heads"))


def _public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def _canonical(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
