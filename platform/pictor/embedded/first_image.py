"""The first image: asked for over HTTP with the demo key, as a customer would."""

import http.client
import json
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus

from pictor.embedded.errors import RuntimeProblem

PATH = "/v1/images/generations"
MODEL = "gpt-image-2-origin"
PROMPT = "A lighthouse at dawn, painted in warm colours"
SECONDS = 90.0


@dataclass(frozen=True, kw_only=True)
class FirstImage:
    """Where it is and what it cost, in USD with 6 decimals."""

    url: str
    cost: str


def request_body() -> str:
    """The request as JSON, also shown in the curl line."""
    return json.dumps({"model": MODEL, "prompt": PROMPT, "size": "1024x1024"})


class FirstImageRequest:
    """One request in a thread of its own, so that the supervisor goes on looking after parts."""

    def __init__(self, *, host: str, port: int, api_key: str) -> None:
        self._address = (host, port)
        self._api_key = api_key
        self._answer: tuple[int, bytes] | str = "no answer"
        self.seconds = 0.0
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def is_over(self) -> bool:
        """True when the answer, or the failure, is there."""
        return not self._thread.is_alive()

    def result(self) -> FirstImage:
        """The image; raises RuntimeProblem with what came instead."""
        if isinstance(self._answer, str):
            raise RuntimeProblem(f"The first image failed: {self._answer}.")
        status, body = self._answer
        try:
            answer = json.loads(body)
            if status == HTTPStatus.OK:
                return FirstImage(url=answer["data"][0]["url"], cost=answer["usage"]["cost"])
            why = answer["error"]["message"]
        except (ValueError, KeyError, IndexError, TypeError):
            why = body[:200].decode("utf-8", "replace")
        raise RuntimeProblem(f"The first image failed: status {status}, {why}")

    def _ask(self) -> None:
        began = time.monotonic()
        headers = {
            "Authorization": f"Bearer {self._api_key}",
            "Content-Type": "application/json",
        }
        connection = http.client.HTTPConnection(*self._address, timeout=SECONDS)
        try:
            connection.request("POST", PATH, request_body(), headers)
            response = connection.getresponse()
            self._answer = (response.status, response.read())
        except (OSError, http.client.HTTPException) as error:
            self._answer = f"{error!r} after {time.monotonic() - began:.0f} s"
        finally:
            self.seconds = time.monotonic() - began
            connection.close()
