"""Whether the demo's key still opens: it may have been revoked, or its workspace deleted."""

import http.client
import threading
from http import HTTPStatus

PATH = "/v1/models"
SECONDS = 10.0


class DemoKeyCheck:
    """One request in a thread of its own, so that the supervisor goes on looking after parts."""

    def __init__(self, *, host: str, port: int, api_key: str) -> None:
        self._address = (host, port)
        self._api_key = api_key
        self.opens = True
        """False once it was refused; without an answer nothing is known against it."""
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def is_over(self) -> bool:
        """True when the answer, or the failure, is there."""
        return not self._thread.is_alive()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection(*self._address, timeout=SECONDS)
        try:
            connection.request("GET", PATH, headers={"Authorization": f"Bearer {self._api_key}"})
            status = connection.getresponse().status
            self.opens = status not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
        except (OSError, http.client.HTTPException):
            pass  # the key may be as good as ever
        finally:
            connection.close()
