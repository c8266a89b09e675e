"""Vertex AI: Gemini's wire with a token of Google's, for which a service account signs (RFC 7523).

Sources: Google Identity, "Using OAuth 2.0 for server to server applications" (28 November 2026);
Vertex AI, discovery document 20261106.
"""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from typing_extensions import override

from generation.channels.account_tokens import LIFE_SECONDS
from generation.channels.base import ChannelConfig, UpstreamRequest
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.gemini.wire import GeminiWire
from generation.channels.wires import given

SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class VertexWire(GeminiWire):
    """One account at Vertex AI."""

    grant_address = "https://oauth2.googleapis.com/token"
    """Google's own, whatever the account's JSON names."""

    def __init__(self, account: ChannelConfig) -> None:
        super().__init__(account)
        place = {name: quote(word, safe="") for name, word in account.settings.items()}
        self.models = (
            f"{account.base_url.rstrip('/')}/v1/projects/{place['project']}"
            f"/locations/{place['location']}/publishers/google/models"
        )
        self.key = {"Authorization": f"Bearer {account.api_key}"}

    @override
    def image_config(self, request: UpstreamRequest, model: str) -> dict[str, object]:
        config = super().image_config(request, model)
        if request.output_format == "jpeg":
            quality = given(compressionQuality=request.output_compression)
            config["imageOutputOptions"] = {"mimeType": "image/jpeg", **quality}
        return config

    def grant_form(self, now: datetime) -> Mapping[str, str]:
        """What Google gives a token for. Raises UpstreamError `refused` for an unreadable key."""
        begins = round(now.timestamp())
        times = {"iat": begins, "exp": begins + LIFE_SECONDS}
        try:
            account = json.loads(self.account.api_key)
            # Keys of other kinds than RSA take other arguments to sign.
            key: Any = serialization.load_pem_private_key(account["private_key"].encode(), None)
            head = {"alg": "RS256", "typ": "JWT", "kid": account.get("private_key_id", "")}
            names = {"iss": account["client_email"], "scope": SCOPE, "aud": self.grant_address}
            text = ".".join(_encoded(json.dumps(part).encode()) for part in (head, names | times))
            signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, TypeError, KeyError, AttributeError):
            raise UpstreamError(
                AttemptClass.REFUSED, "the service account's key cannot be read"
            ) from None
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        return {"grant_type": grant, "assertion": f"{text}.{_encoded(signature)}"}


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")
