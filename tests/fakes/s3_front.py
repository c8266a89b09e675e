"""A company's front before S3: TLS of a private authority, and credentials that end.

The front checks each request against the credentials it knows, as S3 does, signs it anew and hands
it whole to a server behind it. Signatures are worked out here, not by the tested code.
"""

import hashlib
import hmac
import http.client
import ssl
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any, cast
from urllib.parse import parse_qsl, quote, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from typing_extensions import override

from tests.fakes.serving import serving

OF_URLS = "X-Amz-"
SIGNED_ANEW = ("content-type", "cache-control", "content-md5")
HANDED_BACK = ("Content-Type", "Cache-Control", "Content-Disposition", "ETag")


@dataclass(frozen=True)
class Issued:
    """Credentials as their issuer knows them; those without an end have no token either."""

    access_key: str
    secret_key: str
    token: str = ""
    expires_at: datetime | None = None


Answered = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


class Refused(Exception):
    """Raised with S3's code for a refused request."""


@dataclass
class Front:
    """The front's address, and the results of its requests."""

    url: str = ""
    codes: Counter[str] = field(default_factory=Counter)
    """`passed`, or the code of a refusal."""
    keys: Counter[str] = field(default_factory=Counter)
    """Access keys of the requests that it passed on."""
    asked: Counter[str] = field(default_factory=Counter)
    """Methods and paths of the same."""


@contextmanager
def s3_front(
    behind: str,
    ours: Issued,
    *,
    known: Callable[[str], Issued | None],
    tls: ssl.SSLContext | None = None,
) -> Iterator[Front]:
    """The front for as long as the block runs.

    Args:
        behind: the url of the S3 server that gets the requests.
        ours: the credentials of that server.
        known: returns a caller's credentials by access key; None for strangers.
        tls: has the certificate to show; without it, the front speaks plain http.
    """
    front = Front()

    class Handler(Asking):
        @override
        def answered(self, body: bytes) -> Answered:
            try:
                access_key = _signed_by(self, body, known)
            except Refused as refused:
                front.codes[str(refused)] += 1
                words = f"<Error><Code>{refused}</Code></Error>".encode()
                return 403, {"Content-Type": "application/xml"}, words
            front.codes["passed"] += 1
            front.keys[access_key] += 1
            front.asked[f"{self.command} {self.path.partition('?')[0]}"] += 1
            return _from_behind(self, body, behind, ours)

    with serving(Handler, tls=tls) as port:
        scheme, host = ("https", "localhost") if tls else ("http", "127.0.0.1")
        front.url = f"{scheme}://{host}:{port}"
        yield front


class Asking(BaseHTTPRequestHandler):
    """Reads a request whole, and answers it whole."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answered(self, body: bytes) -> Answered:
        raise NotImplementedError

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        status, headers, words = self.answered(body)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(words)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(words)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 - named by http.server

    @override
    def log_message(self, *_: Any) -> None:
        """Keep stderr empty."""


def _signed_by(
    asked: BaseHTTPRequestHandler, body: bytes, known: Callable[[str], Issued | None]
) -> str:
    """Return the access key that signed a request, in headers or url. Raises Refused."""
    parts = urlsplit(asked.path)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    headers = {name.lower(): value for name, value in asked.headers.items()}
    if "authorization" in headers:
        words = headers["authorization"].replace(",", " ").split()[1:]
        signed = dict(word.split("=", 1) for word in words)
        at, token = headers["x-amz-date"], headers.get("x-amz-security-token", "")
        digest = headers["x-amz-content-sha256"]
        if digest not in {"UNSIGNED-PAYLOAD", hashlib.sha256(body).hexdigest()}:
            raise Refused("XAmzContentSHA256Mismatch")
    else:
        signed = {name.removeprefix(OF_URLS): value for name, value in query.items()}
        signature = query.pop("X-Amz-Signature", "")
        at, token, digest = signed["Date"], signed.get("Security-Token", ""), "UNSIGNED-PAYLOAD"
        signed["Signature"] = signature
        if _moment(at) + timedelta(seconds=int(signed["Expires"])) <= datetime.now(UTC):
            raise Refused("AccessDenied")
    access_key, day, region, *_ = signed["Credential"].split("/")
    issued = known(access_key)
    if issued is None or issued.token != token:
        raise Refused("InvalidAccessKeyId" if issued is None else "InvalidToken")
    if issued.expires_at and issued.expires_at <= datetime.now(UTC):
        raise Refused("ExpiredToken")
    names = signed["SignedHeaders"].split(";")
    if token and "authorization" in headers and "x-amz-security-token" not in names:
        raise Refused("AccessDenied")
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    canonical = [asked.command, parts.path, _canonical(query), lines, ";".join(names), digest]
    if signed["Signature"] != _signature(issued.secret_key, at, (day, region), canonical):
        raise Refused("SignatureDoesNotMatch")
    return access_key


def _canonical(query: Mapping[str, str]) -> str:
    pairs = [
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query.items()
    ]
    return "&".join(sorted(pairs))


def _signature(secret_key: str, at: str, scope: tuple[str, str], canonical: list[str]) -> str:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html"""
    parts = (*scope, "s3", "aws4_request")
    request = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    key = f"AWS4{secret_key}".encode()
    for part in (*parts, "\n".join(["AWS4-HMAC-SHA256", at, "/".join(parts), request])):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


def _moment(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _from_behind(asked: BaseHTTPRequestHandler, body: bytes, behind: str, ours: Issued) -> Answered:
    """The answer of the server behind to the same request, signed with its own credentials."""
    parts = urlsplit(asked.path)
    query = parse_qsl(parts.query, keep_blank_values=True)
    kept = _canonical({name: value for name, value in query if not name.startswith(OF_URLS)})
    target = f"{parts.path}?{kept}" if kept else parts.path
    headers = {name: asked.headers[name] for name in SIGNED_ANEW if name in asked.headers}
    request = AWSRequest(asked.command, f"{behind}{target}", headers, body)
    S3SigV4Auth(Credentials(ours.access_key, ours.secret_key), "s3", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(urlsplit(behind).netloc, timeout=20)
    connection.request(asked.command, target, body, dict(request.headers.items()))
    answer = connection.getresponse()
    words = answer.read()
    found = {
        name: cast(str, answer.headers[name]) for name in HANDED_BACK if name in answer.headers
    }
    if asked.command == "HEAD":
        found["Content-Length"] = answer.headers.get("Content-Length", "0")
    connection.close()
    return answer.status, found, words
