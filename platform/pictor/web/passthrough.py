"""Pass-through of `/{bucket}/…` to the embedded S3 server, so that one public port is enough.

And of the sandbox's pages on which cards pay, for `make run CARDS=1`.

Signatures cover the host, so the S3 server gets the Host header that the URL was signed for.
Nothing is decoded or buffered whole. Only GET, HEAD and CORS preflights are served, because our
presigned URLs allow no more.
"""

import re
import ssl
from http import HTTPStatus
from typing import Any

import httpx

from pictor.web.edge import App, Receive, Scope, Send

HEADERS_IN = frozenset({b"host", b"range", b"if-none-match", b"if-modified-since", b"if-range"})
HEADERS_OUT = frozenset(
    {
        b"content-type",
        b"content-length",
        b"content-range",
        b"content-disposition",
        b"accept-ranges",
        b"etag",
        b"last-modified",
        b"cache-control",
    }
)
CORS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD"),
    (b"access-control-allow-headers", b"range, if-none-match"),
    (b"access-control-expose-headers", b"content-length, content-range, etag"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"cross-origin"),
]
PAGE = re.compile(r"/stripe/pay/\w+", re.ASCII)
PAGE_HEADERS = frozenset({b"content-type", b"content-length", b"location", b"cache-control"})
FORM_BYTES = 4096


class S3Passthrough:
    """Serves the bucket's paths from the S3 server and everything else from the app."""

    def __init__(self, app: App, *, endpoint_url: str, bucket: str, ca_bundle: str = "") -> None:
        self._app = app
        self._endpoint_url = endpoint_url
        self._prefix = f"/{bucket}/"
        self._ca_bundle = ca_bundle
        self._client: httpx.AsyncClient | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not str(scope["path"]).startswith(self._prefix):
            await self._app(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await _answer(send, 204, CORS)
        elif scope["method"] in {"GET", "HEAD"}:
            await self._pass(scope, send)
        else:
            await _answer(send, 405, [*CORS, (b"allow", b"GET, HEAD"), (b"connection", b"close")])

    async def _pass(self, scope: Scope, send: Send) -> None:
        # As it was sent, since the signature covers it.
        target = scope["raw_path"].decode("latin-1")
        if scope["query_string"]:
            target += "?" + scope["query_string"].decode("latin-1")
        headers = [(name, value) for name, value in scope["headers"] if name in HEADERS_IN]
        client = self._the_client()
        has_begun = False
        try:
            async with client.stream(scope["method"], target, headers=headers) as answer:
                has_begun = True
                await send(
                    {
                        "type": "http.response.start",
                        "status": _status(answer),
                        "headers": [*_allowed_headers(answer.headers.raw), *CORS],
                    }
                )
                async for chunk in answer.aiter_raw():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except (httpx.InvalidURL, httpx.LocalProtocolError):
            await _answer(send, 400, CORS)
            return
        except httpx.HTTPError:
            if not has_begun:
                await _answer(
                    send, 503, [*CORS, (b"retry-after", b"1"), (b"x-should-retry", b"true")]
                )
            return  # the answer has begun and cannot end: the server cuts the connection
        await send({"type": "http.response.body", "body": b""})

    async def aclose(self) -> None:
        """Close the connections to the S3 server."""
        if self._client is not None:
            await self._client.aclose()

    def _the_client(self) -> httpx.AsyncClient:
        """Return the client, made for the first image: its imports and certificates take 3 MB.

        The guarded client of kit/outbound/http.py would refuse the S3 server's loopback address.
        """
        if self._client is None:
            self._client = httpx.AsyncClient(
                base_url=self._endpoint_url,
                verify=ssl.create_default_context(cafile=self._ca_bundle)
                if self._ca_bundle
                else True,
                trust_env=False,
                timeout=httpx.Timeout(30, connect=2),
                limits=httpx.Limits(max_connections=512),
            )
        return self._client


class PagesPassthrough:
    """Serves the sandbox's `/stripe/pay/ID` and everything else from the app."""

    def __init__(self, app: App, *, origin: str) -> None:
        self._app = app
        self._origin = origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Nothing but an id, as a path with dots would lead to what only tests may do.
        if scope["type"] != "http" or not PAGE.fullmatch(str(scope["path"])):
            await self._app(scope, receive, send)
            return
        body, has_more = b"", True
        while has_more and len(body) <= FORM_BYTES:
            message = await receive()
            body += message.get("body", b"")
            has_more = message.get("more_body", False)
        if has_more or scope["method"] not in {"GET", "POST"}:
            await _answer(send, 405, [(b"allow", b"GET, POST"), (b"connection", b"close")])
            return
        form = {"content-type": "application/x-www-form-urlencoded"}
        try:
            async with httpx.AsyncClient(base_url=self._origin, trust_env=False) as client:
                answer = await client.request(
                    scope["method"], scope["path"], headers=form, content=body
                )
        except httpx.HTTPError:
            await _answer(send, 503, [(b"retry-after", b"1")])
            return
        headers = [(name.lower(), value) for name, value in answer.headers.raw]
        passed = [each for each in headers if each[0] in PAGE_HEADERS]
        await send({"type": "http.response.start", "status": answer.status_code, "headers": passed})
        await send({"type": "http.response.body", "body": answer.content})


def _status(answer: httpx.Response) -> int:
    """Return the status: the embedded S3 server answers a range with 200, and S3 with 206."""
    is_range = answer.status_code == HTTPStatus.OK and "content-range" in answer.headers
    return HTTPStatus.PARTIAL_CONTENT if is_range else answer.status_code


def _allowed_headers(headers: Any) -> list[tuple[bytes, bytes]]:
    return [(name.lower(), value) for name, value in headers if name.lower() in HEADERS_OUT]


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    headers = [*headers, (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
