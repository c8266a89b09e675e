"""What the library says of a signed image."""

import io
import json
from typing import Any

import c2pa

from storage.manifest_reader import LIMITS


def verified(data: bytes, name: str, *, root: str = "") -> dict[str, Any]:
    """The active manifest with the file's `state`, as who trusts this root or nobody reads it."""
    trust = {"verify": {"remote_manifest_fetch": False, "verify_trust": bool(root)}}
    trusted = {"trust": {"trust_anchors": root}} if root else {}
    context = c2pa.Context.from_dict({**LIMITS, **trust, **trusted})
    with c2pa.Reader(f"image/{name}", io.BytesIO(data), context=context) as reader:
        store: dict[str, Any] = json.loads(reader.json())
        return {**store["manifests"][store["active_manifest"]], "state": store["validation_state"]}
