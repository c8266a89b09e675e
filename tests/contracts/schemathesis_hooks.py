"""Rules for schemathesis about requests that no schema can express, and a further check.

A valid request is made satisfiable: its images are images, and its addresses lead somewhere. Any
other valid request that is refused is a failure, unless it depends on existing objects.
"""

import base64
import json
import os
import struct
import zlib
from typing import Any

import schemathesis

IDS: dict[str, dict[str, str]] = json.loads(os.environ["PICTOR_FUZZ_IDS"])
"""Ids of existing objects, by the beginning of a path."""
OWN_KEY = os.environ["PICTOR_FUZZ_KEY_ID"]
NO_KEY = "key_01k00000000000000000000000"
DEPENDS = {
    "create_webhook_endpoint",  # a workspace has ten at most
    "test_webhook_endpoint",  # a disabled endpoint is sent nothing
    "resend_webhook_delivery",
    "resend_webhook_deliveries",
    "rotate_webhook_secret",  # a secret in its overlap may still be in use
    "rotate_api_key",  # an ended key is not rotated, nor one in its overlap
}
"""Operations that earlier calls may make fail, with an error that names no field."""


def _png() -> bytes:
    """One half-transparent pixel: an image, and its own mask."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 6, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0\xff\0\0\x80")),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


PNG = _png()
_BASE64 = base64.b64encode(PNG).decode()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Make a valid request satisfiable; never end the calling key."""
    parts = case.path_parameters or {}
    is_valid = case.meta.generation.mode.is_positive
    if is_valid and parts and case.method != "DELETE":
        known = next(ids for head, ids in IDS.items() if case.path.startswith(head))
        parts.update({name: known[name] for name in parts})
    if parts.get("public_id") == OWN_KEY:
        parts["public_id"] = NO_KEY
    if not is_valid:
        return
    query = case.query or {}
    if {"start", "end"} <= query.keys() and int(query["start"]) >= int(query["end"]):
        query["start"], query["end"] = 0, 1
    if isinstance(case.body, dict):
        case.body = _honourable(case.body, case.media_type)


def _honourable(body: dict[str, Any], media_type: str) -> dict[str, Any]:
    # A whole number with a point is an integer to JSON Schema, but not in api.md.
    found = {name: _whole(value) for name, value in body.items()}
    if {"file", "sha256"} & found.keys():  # of a look-up, which takes any bytes
        return found
    if media_type == "multipart/form-data":
        found.pop("image[]", None)
        return found | {name: PNG for name in ("image", "mask") if name == "image" or name in found}
    for name in ("image", "images", "mask"):
        if found.get(name) is not None:
            found[name] = _with_image(found[name])
    if "url" in found:
        found["url"] = os.environ["PICTOR_FUZZ_URL"]
    if found.get("ip_ranges"):
        found["ip_ranges"] = ["10.0.0.0/8"]
    return found


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _with_image(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_image(item) for item in value]
    return dict.fromkeys(value, _BASE64) if isinstance(value, dict) else _BASE64


@schemathesis.check
def accepts_what_is_valid(context: Any, response: Any, case: Any) -> None:
    """Check that nothing valid by the schema is refused, and that no limit of ours hides that."""
    operation = case.operation.definition.raw["operationId"]
    error = {} if response.status_code < 400 else json.loads(response.content)["error"]
    if not case.meta.generation.mode.is_positive:
        return
    assert error.get("code") not in {"rate_limit_exceeded", "invalid_api_key"}, error
    if response.status_code in {400, 413, 415, 422}:
        assert operation in DEPENDS, error
        assert error["param"] is None, error
