"""A program that says on one line who signed the picture at its standard input, and its state.

c2pa-python parses hostile bytes, so it does that here, without secrets and with bounds. Arguments:
content type, and a PEM file of trusted authorities or "". It fails if it can read no manifest.

Source: opensource.contentauthenticity.org/docs/c2pa-python/docs/context-settings.
"""

import json
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LIMITS: dict[str, object] = {
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"remote_manifest_fetch": False},
    "core": {
        "allowed_network_hosts": [],
        "backing_store_memory_threshold_in_mb": 4,
        "max_decompressed_manifest_size_in_mb": 8,
    },
}
"""By its own defaults the library fetches addresses in pictures, and decodes what it signs."""


def main(content_type: str, authorities: str) -> None:
    """Print the line."""
    for bound, most in ((resource.RLIMIT_CPU, 2), (resource.RLIMIT_AS, 1024**3)):  # seconds, bytes
        resource.setrlimit(bound, (most, most))
    import c2pa  # noqa: PLC0415 - within the bounds

    trust = {"trust_anchors": Path(authorities).read_text("utf-8")} if authorities else {}
    context = c2pa.Context.from_dict({**LIMITS, "trust": trust})
    told = json.loads(c2pa.Reader(content_type, sys.stdin.buffer, context=context).json())
    line = f"{signed_by(told)}. {state(told, has_authorities=bool(authorities))}"
    sys.stdout.buffer.write("".join(filter(str.isprintable, line)).encode())


def signed_by(whole: dict[str, Any]) -> str:
    """Say who signed, when if that is known, and with what."""
    manifest = whole["manifests"][whole["active_manifest"]]
    signature, assertions = manifest["signature_info"], manifest.get("assertions", ())
    listed = [one["data"]["actions"] for one in assertions if "actions" in one["label"]]
    whens = [action["when"] for actions in listed for action in actions if "when" in action]
    maker = (manifest.get("claim_generator_info") or [{}])[0]
    words = f"Signed by {signature.get('issuer') or 'an unnamed signer':.100}"
    if at := signature.get("time") or next(iter(whens), ""):
        words += f" on {datetime.fromisoformat(at).astimezone(UTC):%-d %b %Y, %H:%M} UTC"
    return f"{words} with {maker.get('name', 'an unnamed program')} {maker.get('version', '')}"[
        :300
    ].strip()


def state(whole: dict[str, Any], *, has_authorities: bool) -> str:
    """Say whether it is whole and the signer trusted, or what is wrong, by C2PA's code."""
    if whole["validation_state"] == "Trusted":
        return "Whole; signer trusted."
    if whole["validation_state"] == "Valid":
        return f"Whole; signer not {'on the trust list' if has_authorities else 'checked'}."
    codes = [one["code"] for one in whole["validation_results"]["activeManifest"]["failure"]]
    if any(code.endswith(".mismatch") for code in codes):
        return "Changed after signing."
    return f"Not valid: {codes[-1]:.100}."


if __name__ == "__main__":
    main(*sys.argv[1:])
