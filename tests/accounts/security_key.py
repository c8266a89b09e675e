"""A security key as software: it answers what a page asks a browser."""

import json
import re
from hashlib import sha256
from html import unescape
from secrets import token_bytes
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.test import Client
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

ADD = "/accounts/2fa/passkeys/add/"
HOST = "localhost"
PRESENT, WITH_CREDENTIAL = AuthenticatorData.FLAG.UP, AuthenticatorData.FLAG.AT


class SecurityKey:
    """One credential, made for whichever page asked."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = token_bytes(16)

    def made(self, html: str) -> str:
        """The answer to a page that asks for a new credential."""
        public = ES256.from_cryptography_key(self._key.public_key())  # type: ignore[no-untyped-call]  # its
        credential = AttestedCredentialData.create(bytes(16), self._id, public)
        data = AuthenticatorData.create(_rp(), PRESENT | WITH_CREDENTIAL, 0, credential)
        attested = AttestationObject.create("none", data, {})
        client = _client_data("webauthn.create", html)
        return self._answer(clientDataJSON=client, attestationObject=attested)

    def shown(self, html: str, *, origin: str = f"http://{HOST}") -> str:
        """The answer to a page that asks for the credential."""
        data = AuthenticatorData.create(_rp(), PRESENT, 0)
        client = _client_data("webauthn.get", html, origin)
        signed = bytes(data) + sha256(client).digest()
        signature = self._key.sign(signed, ec.ECDSA(SHA256()))
        return self._answer(clientDataJSON=client, authenticatorData=data, signature=signature)

    def _answer(self, **parts: bytes) -> str:
        encoded = {name: websafe_encode(part) for name, part in parts.items()}
        own = websafe_encode(self._id)
        facts = {"id": own, "rawId": own, "type": "public-key", "clientExtensionResults": {}}
        return json.dumps({**facts, "response": encoded})


def options_in(html: str) -> Any:
    """What a page asks the browser."""
    (found,) = re.findall(r'<p-passkey[^>]* options="([^"]+)"', html)
    return json.loads(unescape(found))


def add_passkey(browser: Client, name: str = "Laptop", **form: str) -> SecurityKey:
    """Add a passkey to the signed-in person, who may; return the key that holds it."""
    key = SecurityKey()
    html = browser.get(ADD).content.decode()
    made = browser.post(ADD, {"name": name, "credential": key.made(html), **form})
    assert made.status_code == 302, made.content.decode()
    return key


def _rp() -> bytes:
    return sha256(HOST.encode()).digest()


def _client_data(kind: str, html: str, origin: str = f"http://{HOST}") -> bytes:
    challenge = websafe_decode(options_in(html)["challenge"])
    return CollectedClientData.create(type=kind, challenge=challenge, origin=origin)
