"""fal's queue, storage and CDN at one address, as a script of RawServer.

`tests.clients.fal_queue_client` drives it by fal's own client.
Standard library and typing_extensions only.
"""

import json

from typing_extensions import override

from tests.fakes.late_shop import LateShop
from tests.fakes.raw_server import Received, Script, says

LOOK, RESULT, STOP = "GET /requests/r-1/status", "GET /requests/r-1", "PUT /requests/r-1/cancel"
INITIATE, UPLOAD, PICTURE = "POST /storage/upload/initiate", "PUT /up", "GET /a.png"


def told(document: object, status: int = 200, **headers: str) -> Script:
    """Answer with JSON, as fal does."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kind = {"Content-Type": "application/json", "x-fal-request-id": "r-1"}
    return says(json.dumps(document).encode(), status=status, headers={**kind, **named})


WAITING = told({"status": "IN_QUEUE", "queue_position": 1}, status=202)
WORKING = told({"status": "IN_PROGRESS", "logs": None}, status=202)
COMPLETED = told({"status": "COMPLETED", "logs": None, "metrics": {"inference_time": 1.5}})
LACKS_IMAGES = told(
    {"detail": [{"loc": ["body", "image_urls"], "msg": "Field required", "type": "missing"}]}, 422
)


class FalQueue(LateShop):
    """Takes any order but an edit of nothing, and makes the same picture of each."""

    def taken(self, **changes: str) -> Script:
        """The answer to an order."""
        place = f"{self.origin}/requests/r-1"
        addresses = {
            "status_url": f"{place}/status", "response_url": place, "cancel_url": f"{place}/cancel"
        }  # fmt: skip
        known = {"status": "IN_QUEUE", "request_id": "r-1", "queue_position": 0, **addresses}
        return told({**known, **changes})

    def made(self, count: int = 1) -> Script:
        """The result of an order of so many pictures."""
        images = [{"url": f"{self.origin}/a.png", "content_type": "image/png"}] * count
        return told({"images": images, "seed": 42, "has_nsfw_concepts": [False] * count})

    @override
    def usual(self, call: str, request: Received) -> Script:
        usual = {
            LOOK: COMPLETED,
            RESULT: self.made(),
            STOP: told({"status": "CANCELLATION_REQUESTED"}, status=202),
            INITIATE: told({"upload_url": f"{self.origin}/up?sig=1", "file_url": "https://v3/i"}),
            UPLOAD: says(b"uploaded"),
            PICTURE: says(self.picture),
        }
        if call in usual or request.method != "POST":
            return usual.get(call) or told({}, 404)
        lacks_images = "edit" in call and "image_urls" not in json.loads(request.body)
        return LACKS_IMAGES if lacks_images else self.taken()
