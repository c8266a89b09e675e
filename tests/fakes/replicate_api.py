"""Replicate's API and the host of its pictures at one address, as a script of RawServer.

`tests.clients.replicate_client` drives it by Replicate's own client.
Standard library and typing_extensions only.
"""

import json
from typing import Any

from typing_extensions import override

from tests.fakes.late_shop import LateShop
from tests.fakes.raw_server import Received, Script, says, told

MODEL, VERSION = "black-forest-labs/flux-2-pro", "9dcd6d78e7c6560c"
ORDER, ORDER_OF_VERSION = f"POST /v1/models/{MODEL}/predictions", "POST /v1/predictions"
LOOK, STOP = "GET /v1/predictions/p-1", "POST /v1/predictions/p-1/cancel"
UPLOAD, PICTURE = "POST /v1/files", "GET /a.png"
MADE_AT = "2026-11-30T12:00:00.000000Z"
LOGS = "Using seed: 42\n"


def complaint(status: int, detail: str) -> Script:
    """Refuse a call."""
    return told({"title": "No", "detail": detail, "status": status}, status)


class ReplicateApi(LateShop):
    """Takes any order, and makes the same picture of each."""

    def is_at(self, status: str, http_status: int = 200, **others: object) -> Script:
        """The order in that state."""
        place = f"{self.origin}/v1/predictions/p-1"
        urls = {"get": place, "cancel": f"{place}/cancel", "web": "https://replicate.com/p/p-1"}
        prediction: dict[str, Any] = {
            "id": "p-1", "model": MODEL, "version": "hidden", "input": {"prompt": "a fox"},
            "logs": LOGS, "output": None, "error": None, "status": status, "urls": urls,
            "created_at": MADE_AT, "started_at": None, "completed_at": None, "metrics": {},
            "data_removed": False,
        }  # fmt: skip
        return told(prediction | others, http_status)

    def made(self, count: int = 1) -> Script:
        """The order with so many pictures."""
        return self.is_at("succeeded", output=[f"{self.origin}/a.png"] * count)

    @override
    def usual(self, call: str, request: Received | None = None) -> Script:
        """The answer to that call, unless there are others."""
        usual = {
            LOOK: self.made(),
            STOP: self.is_at("canceled"),
            UPLOAD: told({**_FILE, "urls": {"get": f"{self.origin}/v1/files/f-1"}}, 201),
            PICTURE: says(self.picture),
        }
        if call in usual:
            return usual[call]
        if request is None or request.method != "POST":
            return complaint(404, "The requested resource could not be found.")
        if "input" not in json.loads(request.body):
            return complaint(422, "- input: input is required")
        return self.is_at("starting", 201)


_FILE = {
    "id": "f-1", "name": "a.png", "content_type": "image/png", "size": 1, "etag": "e",
    "metadata": {}, "checksums": {"sha256": "0"},
    "created_at": MADE_AT, "expires_at": "2026-11-30T13:00:00Z",
}  # fmt: skip
