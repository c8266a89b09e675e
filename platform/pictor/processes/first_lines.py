"""A server's log until its settings configure one, and the reason of a failed start.

The settings' log takes over from this one. An invalid setting, a missing secret or a module that
does not load is reported in the same JSON lines.
"""

import logging
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager

from pictor.kit.watching.log import LineFormatter

logger = logging.getLogger(__name__)


@contextmanager
def log_lines() -> Iterator[None]:
    """Log in JSON lines, warnings too; after a failure, log its reason and exit with status 1."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    logging.basicConfig(handlers=[handler])
    logging.captureWarnings(capture=True)
    try:
        yield
    except SystemExit as end:
        if not isinstance(end.code, str):
            raise
        logger.critical(end.code)
        raise SystemExit(1) from None
    except Exception:
        logger.critical("the process failed", exc_info=True)
        raise SystemExit(1) from None


def note_python() -> None:
    """Log that the process runs on a slow Python, if it does."""
    if not _is_optimised(str(sysconfig.get_config_var("CONFIG_ARGS")), sys.base_prefix):
        logger.warning("this Python is not optimised and takes 10 to 15 % more CPU")


def _is_optimised(configured: str, prefix: str) -> bool:
    """True if Python was built with its profile; systems' own are, whatever their options say."""
    return "--enable-optimizations" in configured or prefix == "/usr"
