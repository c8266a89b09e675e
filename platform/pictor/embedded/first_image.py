"""The first image, requested over HTTP with the demo key, as a customer would."""

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
TIMEOUT_SECONDS = 90.0


@dataclass(frozen=True, kw_only=True)
class FirstImage:
    """Its URL and its cost, in USD with 6 decimals."""

    url: str
    cost: str


def request_body() -> str:
    """Return the request as JSON, which the curl line also shows."""
    return json.dumps({"model": MODEL, "prompt": PROMPT, "size": "1024x1024"})


class FirstImageRequest:
    """One request in a separate thread, so that the supervisor goes on watching the parts."""

    def __init__(self, *, host: str, port: int, api_key: str) -> None:
        self._address = (host, port)
        self._api_key = api_key
        self._answer: tuple[int, bytes] | str = "no answer"
        self.seconds = 0.0
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> FirstImage:
        """Return the image. Raises RuntimeProblem with the failure."""
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
        connection = http.client.HTTPConnection(*self._address, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("POST", PATH, request_body(), headers)
            response = connection.getresponse()
            self._answer = (response.status, response.read())
        except (OSError, http.client.HTTPException) as error:
            self._answer = f"{error!r} after {time.monotonic() - began:.0f} s"
        finally:
            self.seconds = time.monotonic() - began
            connection.close()
