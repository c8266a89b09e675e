"""Services that issue short-lived credentials, as containers, instances and STS do.

One server answers for all three; `environment` says how botocore's chain finds one of them. The
server keeps the credentials it issued, for an S3 that checks requests against them (s3_front.py).
"""

import json
import secrets
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

from django.conf import settings
from typing_extensions import override

from storage import backends
from tests.fakes.s3_front import Answered, Asking, Issued
from tests.fakes.serving import serving

CONTAINER, ROLES, IMDS_TOKEN = (
    "/credentials",
    "/latest/meta-data/iam/security-credentials/",
    "/latest/api/token",
)
WEB_IDENTITY = "a token that the platform has signed"
STS = """<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>{}</AccessKeyId>
<SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken><Expiration>{}</Expiration>
</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"""
REFUSED = "<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>"
JSON, XML = {"Content-Type": "application/json"}, {"Content-Type": "text/xml"}


def nothing_else(folder: Path) -> dict[str, str]:
    """An environment in which the chain finds nothing of this machine's, nor of a person's."""
    return {
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@dataclass
class TokenServices:
    """The issued credentials, and the addresses of the services."""

    life_seconds: float
    url: str = ""
    issued: dict[str, Issued] = field(default_factory=dict)
    """Credentials by access key, in order."""
    asked: Counter[str] = field(default_factory=Counter)
    is_away: bool = False
    """Whether they answer every request with 500."""
    _issuing: threading.Lock = field(default_factory=threading.Lock)

    def environment(self, kind: str, folder: Path) -> dict[str, str]:
        """Variables that lead botocore's chain to them: container, instance or web identity.

        Args:
            kind: one of these words.
            folder: a folder without files of a person's; a web identity is written there.
        """
        found = nothing_else(folder)
        if kind == "container":
            return {**found, "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.url}{CONTAINER}"}
        if kind == "instance":
            endpoint = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": self.url}
            return {**found, **endpoint, "AWS_EC2_METADATA_DISABLED": "false"}
        token = folder / "web-identity"
        token.write_text(WEB_IDENTITY)
        return {
            **found,
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
            "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/pictor",
            "AWS_ENDPOINT_URL_STS": self.url,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def issue(self) -> Issued:
        """New credentials with an end in whole seconds, as the services write it."""
        # Rounded up: they live at least as long as was requested.
        ends = datetime.now(UTC) + timedelta(seconds=self.life_seconds + 1)
        with self._issuing:
            made = Issued(
                f"ASIA{len(self.issued):016d}",
                secrets.token_urlsafe(30),
                secrets.token_urlsafe(200) + "/+==",
                ends.replace(microsecond=0),
            )
            self.issued[made.access_key] = made
        return made


@contextmanager
def chain_of_its_own() -> Iterator[None]:
    """Forget the chain's credentials after the block, and end the thread that renews them."""
    backends._chain.cache_clear()  # noqa: SLF001 - a process has one chain, for good
    yield
    backends._chain(settings.S3_REGION).end()  # noqa: SLF001 - as above
    backends._chain.cache_clear()  # noqa: SLF001 - as above


def session(access_key: str, *, ends_at: datetime | None = None) -> dict[str, str]:
    """An environment with session credentials, as the parent of a process sets them."""
    found = {
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": "a/secret+key",
        "AWS_SESSION_TOKEN": "a/token+of==",
    }
    if ends_at is not None:
        found["AWS_CREDENTIAL_EXPIRATION"] = ends_at.isoformat()
    return found


@contextmanager
def token_services(life_seconds: float) -> Iterator[TokenServices]:
    """All three for as long as the block runs; their credentials end after `life_seconds`."""
    services = TokenServices(life_seconds)

    class Handler(Asking):
        @override
        def answered(self, body: bytes) -> Answered:
            return _answer(services, self.command, self.path, body)

    with serving(Handler) as port:
        services.url = f"http://127.0.0.1:{port}"
        yield services


def _answer(services: TokenServices, method: str, path: str, body: bytes) -> Answered:
    services.asked[path] += 1
    if services.is_away:
        return 500, JSON, b'{"message": "away"}'
    if (method, path) == ("PUT", IMDS_TOKEN):
        return 200, {}, b"imds-token"
    if path == ROLES:
        return 200, {}, b"pictor"
    if path == f"{ROLES}pictor":
        return 200, JSON, _as_json(services.issue(), Code="Success")
    if path == CONTAINER:
        return 200, JSON, _as_json(services.issue())
    return _web_identity(services, parse_qs(body.decode()))


def _web_identity(services: TokenServices, said: Mapping[str, list[str]]) -> Answered:
    if said.get("WebIdentityToken") != [WEB_IDENTITY]:
        return 400, XML, REFUSED.encode()
    made = services.issue()
    words = STS.format(made.access_key, made.secret_key, made.token, _written(made))
    return 200, XML, words.encode()


def _as_json(made: Issued, **more: str) -> bytes:
    found = {
        "AccessKeyId": made.access_key,
        "SecretAccessKey": made.secret_key,
        "Token": made.token,
        "Expiration": _written(made),
    }
    return json.dumps({**found, **more}).encode()


def _written(made: Issued) -> str:
    return f"{made.expires_at:%Y-%m-%dT%H:%M:%SZ}"
