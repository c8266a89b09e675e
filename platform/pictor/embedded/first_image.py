"""Requests over HTTP with the demo key, as a customer would make them: the first image.

Whether the key still opens anything is asked, too: it may have been revoked, or its workspace
deleted.
"""

import http.client
import json
import time
from dataclasses import dataclass
from http import HTTPStatus

from pictor.embedded.errors import RuntimeProblem

PATH = "/v1/images/generations"
MODEL = "gpt-image-2-origin"
PROMPT = "A lighthouse at dawn, painted in warm colours"
KEY_SECONDS = 10.0
IMAGE_SECONDS = 90.0


@dataclass(frozen=True, kw_only=True)
class FirstImage:
    """Its URL, its cost in USD with 6 decimals, and the time it took."""

    url: str
    cost: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Customer:
    """Whoever has the key. The methods wait for the answer."""

    host: str
    port: int
    api_key: str

    def is_let_in(self) -> bool:
        """False if the key is refused; True without an answer: the key may still be good."""
        try:
            status, _ = self._ask("GET", "/v1/models", seconds=KEY_SECONDS)
        except (OSError, http.client.HTTPException):
            return True
        return status not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}

    def first_image(self) -> FirstImage | RuntimeProblem:
        """Return the image, or the reason for its failure."""
        began = time.monotonic()
        try:
            status, body = self._ask("POST", PATH, request_body(), seconds=IMAGE_SECONDS)
        except (OSError, http.client.HTTPException) as error:
            why = f"{error!r} after {time.monotonic() - began:.0f} s"
            return RuntimeProblem(f"The first image failed: {why}.")
        try:
            answer = json.loads(body)
            if status == HTTPStatus.OK:
                url, cost = answer["data"][0]["url"], answer["usage"]["cost"]
                return FirstImage(url=url, cost=cost, seconds=time.monotonic() - began)
            why = answer["error"]["message"]
        except (ValueError, KeyError, IndexError, TypeError):
            why = body[:200].decode("utf-8", "replace")
        return RuntimeProblem(f"The first image failed: status {status}, {why}")

    def _ask(
        self, method: str, path: str, body: str | None = None, *, seconds: float
    ) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(self.host, self.port, timeout=seconds)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def request_body() -> str:
    """Return the request as JSON, which the curl line also shows."""
    return json.dumps({"model": MODEL, "prompt": PROMPT, "size": "1024x1024"})
