"""Check of the demo's key, which may have been revoked, or its workspace deleted."""

import http.client
import threading
from http import HTTPStatus

PATH = "/v1/models"
TIMEOUT_SECONDS = 10.0


class DemoKeyCheck:
    """One request in a separate thread, so that the supervisor goes on watching the parts."""

    def __init__(self, *, host: str, port: int, api_key: str) -> None:
        self._address = (host, port)
        self._api_key = api_key
        self.opens = True
        """False once the key was refused; True without an answer."""
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection(*self._address, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET", PATH, headers={"Authorization": f"Bearer {self._api_key}"})
            status = connection.getresponse().status
            self.opens = status not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
        except (OSError, http.client.HTTPException):
            pass  # the key may still be good
        finally:
            connection.close()
