"""What Google gives a token for: a JWT signed by the key of a service account (RFC 7523).

Source: Google Identity, "Using OAuth 2.0 for server to server applications" (28 November 2026).
"""

import base64
import json
from typing import Any

from generation.channels.account_tokens import LIFE_SECONDS
from generation.channels.errors import AttemptClass, UpstreamError
from pictor.kit.words import clock

ADDRESS = "https://oauth2.googleapis.com/token"
"""Google's own, whatever the account's JSON names."""
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def asking(credential: str) -> dict[str, str]:
    """The fields that ask for a token. Raises UpstreamError `refused` for an unreadable key."""
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - loads slowly
    from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415 - as above

    now = round(clock.now().timestamp())
    times = {"iat": now, "exp": now + LIFE_SECONDS}
    try:
        account = json.loads(credential)
        # Keys of other kinds than RSA take other arguments to sign.
        key: Any = serialization.load_pem_private_key(account["private_key"].encode(), None)
        head = {"alg": "RS256", "typ": "JWT", "kid": account.get("private_key_id", "")}
        claims = {"iss": account["client_email"], "scope": SCOPE, "aud": ADDRESS, **times}
        text = ".".join(_encoded(json.dumps(part).encode()) for part in (head, claims))
        signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, TypeError, KeyError, AttributeError):
        raise UpstreamError(
            AttemptClass.REFUSED, "the service account's key cannot be read"
        ) from None
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    return {"grant_type": grant, "assertion": f"{text}.{_encoded(signature)}"}


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")
