"""Signed Content Credentials: a manifest that says how an image was made, and by whose certificate.

The library is the extra `pictor[c2pa]`, imported with the first image that is signed. It holds a
png once in memory, a jpeg or a webp up to three times: what takes more than 16 MB has its turn
alone, and what takes more than 32 MB is not signed. What it writes meanwhile lies beside the spools
and counts as they do. It calls nobody, as there is no time stamp (limits: manifest_reader.py).

Sources: C2PA 2.2, 18.15 (actions); opensource.contentauthenticity.org/docs/c2pa-python.
"""

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import lru_cache, partial
from importlib import import_module
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import Any
from uuid import uuid4

from django.conf import settings

from pictor import __version__
from pictor.kit.bytes.spool import CHUNK_BYTES, SpoolFile, reader_of
from pictor.kit.bytes.spools import process_spools
from pictor.kit.secrets.signing_identity import read_identity
from pictor.kit.words import clock
from storage import vips
from storage.content_credentials import MAX_STORE_BYTES, Credentials
from storage.manifest_reader import LIMITS

logger = logging.getLogger(__name__)

MAX_HELD_BYTES, LARGE_BYTES = 32 * 1024**2, 16 * 1024**2
TIMES_HELD = {"png": 1, "jpeg": 3, "webp": 3}
"""As measured with c2pa-python 0.38; an ingredient is held at least twice."""
MAX_MANIFEST_BYTES = MAX_STORE_BYTES + 1024**2
"""Of our manifest, with the vendor's among its ingredients."""
_COPIES = 2
"""The library's of what it signs, if it is above 4 MB, and our file."""

_identity = lru_cache(maxsize=1)(read_identity)


def sign(
    spool: SpoolFile,
    image_format: str,
    credentials: Credentials,
    *,
    steps: Sequence[str],
    source: str,
    parent: tuple[SpoolFile, str] | None,
) -> tuple[SpoolFile, Credentials]:
    """The image with a signed manifest; as it is, with its credentials, if it cannot be signed.

    The steps are C2PA's actions, the first of which has the source, IPTC's word for how a model
    made it. The parent is the vendor's image with its credentials, and its format; it stays open.
    """
    held = spool.size * TIMES_HELD[image_format]
    if parent:
        held = max(held, parent[0].size * max(2, TIMES_HELD[parent[1]]))
    files = settings.C2PA_CERTIFICATE, settings.C2PA_KEY
    if held > MAX_HELD_BYTES or _identity(*files).ends_at <= clock.now():
        return spool, credentials
    most = spool.size + MAX_MANIFEST_BYTES
    label, signed = f"urn:c2pa:{uuid4()}", spool.sibling(max_bytes=most)
    spools = process_spools()
    try:
        with (
            vips.alone() if held > LARGE_BYTES else nullcontext(),
            spools.budget.room(_COPIES * most),
            # The library goes back in what it has written, which a spool does not allow.
            TemporaryFile(dir=spools.directory) as file,
        ):
            builder = _maker(*files)(_manifest(label, steps, source, has_parent=bool(parent)))
            if parent:
                ingredient = {"label": "parent", "relationship": "parentOf"}
                builder.add_ingredient(ingredient, f"image/{parent[1]}", reader_of(parent[0]))
            builder.sign(f"image/{image_format}", reader_of(spool), file)
            file.seek(0)
            copyfileobj(file, signed, CHUNK_BYTES)
    except Exception:
        logger.exception("an image could not be signed, and is only marked")
        signed.close()
        return spool, credentials
    return signed, replace(credentials, status="signed", label=label)


def _manifest(
    label: str, steps: Sequence[str], source: str, *, has_parent: bool
) -> dict[str, object]:
    actions: list[dict[str, object]] = [{"action": step} for step in steps]
    actions[0] |= {"digitalSourceType": source}
    if has_parent:
        actions[0] |= {"parameters": {"ingredientIds": ["parent"]}}
    return {
        "label": label,
        "claim_generator_info": [{"name": "Pictor", "version": __version__}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}],
    }


@lru_cache(maxsize=1)
def _maker(certificate: str, key: str) -> Callable[[object], Any]:
    """The maker of the library's builders, which sign by these files and within our limits."""
    os.environ["TMPDIR"] = str(process_spools().directory)  # /tmp may be memory
    c2pa = import_module("c2pa")  # here, because it takes 20 MB
    identity = _identity(certificate, key)
    info = c2pa.C2paSignerInfo(identity.algorithm, identity.chain, identity.key, None)
    signer = c2pa.Signer.from_info(info)
    return partial(c2pa.Builder, context=c2pa.Context.from_dict(LIMITS, signer=signer))
