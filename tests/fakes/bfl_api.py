"""Black Forest Labs' API and the host of its pictures at one address, as a script of RawServer.

`tests/clients/node/bfl.mjs` drives it by Vercel's client.
Standard library and typing_extensions only.
"""

import json

from typing_extensions import override

from tests.fakes.late_shop import LateShop
from tests.fakes.raw_server import Received, Script, says, told

ORDER, ORDER_3 = "POST /v1/flux-2-pro", "POST /v1/flux-3-image"
LOOK, PICTURE = "GET /v1/get_result", "GET /a.png"
FIELDS_OF_FLUX_3 = {
    "prompt", "images", "aspect_ratio", "resolution", "safety_tolerance", "grounding", "version",
}  # fmt: skip


def is_at(status: str, http_status: int = 200, **others: object) -> Script:
    """Answer a look."""
    return told({"id": "t-1", "status": status, "result": None, **others}, http_status)


class BflApi(LateShop):
    """Takes any order, but of FLUX 3 only those of its schema."""

    def taken(self, **changes: object) -> Script:
        """The answer to an order: it costs three credits."""
        look = f"{self.origin}/v1/get_result?id=t-1"
        known = {"id": "t-1", "polling_url": look, "cost": 3.0, "input_mp": 0, "output_mp": 1.05}
        return told({**known, **changes})

    def ready(self, **changes: object) -> Script:
        """The answer to a look at an order that has its picture."""
        result = {"sample": f"{self.origin}/a.png", "seed": 42, "prompt": "a fox", "duration": 4.1}
        return is_at("Ready", cost=3.0, progress=1.0, result={**result, **changes})

    @override
    def usual(self, call: str, request: Received) -> Script:
        if call == LOOK:
            return self.ready()
        if call == PICTURE:
            return says(self.picture)
        if request.method != "POST":
            return told({"detail": "Not Found"}, 404)
        unknown = set(json.loads(request.body)) - FIELDS_OF_FLUX_3 if call == ORDER_3 else ()
        details = [
            {
                "loc": ["body", name],
                "msg": "Extra inputs are not permitted",
                "type": "extra_forbidden",
            }
            for name in unknown
        ]
        return told({"detail": details}, 422) if details else self.taken()
