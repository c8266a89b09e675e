"""What a server says before its settings have configured the log, and why it did not start.

The settings' log takes over from this one; a setting that cannot be read, a secret that is missing
or a module that does not load is told in the same JSON lines.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from pictor.kit.watching.log import LineFormatter

logger = logging.getLogger(__name__)


@contextmanager
def log_lines() -> Iterator[None]:
    """Log from here on, warnings too; exit with status 1 after a line that says what failed."""
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
