"""Who signed a stored picture, and whether it is whole: checked when a page asks.

A child process reads the file (manifest_reader.py), one at a time in each process of ours. What it
says is cached by the file's digest.
"""

import logging
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from shutil import copyfileobj
from subprocess import DEVNULL, SubprocessError, check_output
from tempfile import TemporaryFile

from django.conf import settings
from django.core.cache import BaseCache, caches

from pictor.kit.bytes.spool import SpoolFull
from pictor.kit.bytes.spools import process_spools
from storage.models import StoredImage
from storage.services import StorageFailed, open_stream

logger = logging.getLogger(__name__)

CHILD_SECONDS = PAGE_SECONDS = 2.0
"""How long a child lives, and how long a page waits for all its pictures."""
MAX_BYTES = 64 * 1024**2
READER = Path(__file__).with_name("manifest_reader.py")
FAILED = "Who signed it could not be checked."
UNDER_WAY = "Who signed it is being checked: reload the page."
_turn = threading.Lock()


def signers_of(images: Sequence[StoredImage]) -> Mapping[str, str]:
    """Say by digest who signed those with credentials; takes at most PAGE_SECONDS.

    Empty without the extra `pictor[c2pa]`.
    """
    if not find_spec("c2pa"):
        return {}
    cache = caches["default"]  # the page's own: it has one for each thread
    keys = {image: _key(image) for image in images if image.credentials in {"kept", "signed"}}
    if missing := [image for image, key in keys.items() if not cache.get(key)]:
        # A thread, as storage may take longer.
        thread = threading.Thread(target=_check, args=(missing, cache), daemon=True)
        thread.start()
        thread.join(PAGE_SECONDS)
    return {image.sha256: cache.get(key, UNDER_WAY) for image, key in keys.items()}


def _key(image: StoredImage) -> str:
    return f"manifest:{bool(settings.C2PA_TRUST_LIST)}:{image.sha256}"


def _check(images: Sequence[StoredImage], cache: BaseCache) -> None:
    if not _turn.acquire(blocking=False):
        return
    try:
        for image in images:
            said = _read(image)
            cache.set(_key(image), said, timeout=60 if said == FAILED else 86_400)
    finally:
        _turn.release()


def _read(image: StoredImage) -> str:
    arguments = ["-I", str(READER), image.content_type, settings.C2PA_TRUST_LIST]
    if image.size_bytes > MAX_BYTES:
        return FAILED
    spools = process_spools()
    try:
        with spools.budget.room(image.size_bytes), TemporaryFile(dir=spools.directory) as file:
            with closing(open_stream(image.object_key)) as stream:
                copyfileobj(stream, file)
            file.seek(0)
            return check_output(  # noqa: S603 - our own script
                [sys.executable, *arguments],
                stdin=file, stderr=DEVNULL, timeout=CHILD_SECONDS, env={}, encoding="utf-8",
            )  # fmt: skip
    except (OSError, SpoolFull, StorageFailed, SubprocessError, ValueError) as error:
        logger.info("the manifest of %s cannot be checked: %r", image.public_id, error)
        return FAILED
