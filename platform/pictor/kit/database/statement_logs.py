"""Warning at start if PostgreSQL would log statements, because statements contain prompts.

The embedded server's settings forbid it. On the operator's own server only its superuser can, so a
starting process warns once and goes on.
"""

import logging
import threading
from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import connection

logger = logging.getLogger(__name__)

_SETTINGS = """
SELECT name, setting FROM pg_settings
 WHERE name IN ('log_statement', 'log_min_duration_statement', 'log_min_error_statement',
                'log_parameter_max_length', 'log_parameter_max_length_on_error',
                'log_error_verbosity', 'log_min_duration_sample',
                'log_transaction_sample_rate', 'auto_explain.log_min_duration')
"""


def look_once() -> None:
    """Check in a separate thread, so that the start neither waits nor fails."""
    parameters = connection.get_connection_params()
    threading.Thread(target=_look, args=(parameters,), name="statement-logs", daemon=True).start()


def what_would_log(settings: Mapping[str, str]) -> list[str]:
    """Return the settings, as `name=value`, that would put a prompt into the server's log."""
    statements = {
        "log_statement": settings["log_statement"] in {"mod", "all"},
        "log_min_duration_statement": settings["log_min_duration_statement"] != "-1",
        "log_min_duration_sample": settings["log_min_duration_sample"] != "-1",
        "log_transaction_sample_rate": settings["log_transaction_sample_rate"] != "0",
        # PostgreSQL lists it only if the module is loaded for the connection.
        "auto_explain.log_min_duration": settings.get("auto_explain.log_min_duration", "-1")
        != "-1",
    }
    is_told = {
        **statements,
        "log_min_error_statement": settings["log_min_error_statement"] not in {"fatal", "panic"},
        "log_parameter_max_length": any(statements.values())
        and settings["log_parameter_max_length"] != "0",
        "log_parameter_max_length_on_error": settings["log_parameter_max_length_on_error"] != "0",
        "log_error_verbosity": settings["log_error_verbosity"] != "terse",
    }
    return [f"{name}={settings[name]}" for name, is_so in is_told.items() if is_so]


def _look(parameters: dict[str, Any]) -> None:
    try:
        with psycopg.connect(**parameters) as looking:
            settings = dict(looking.execute(_SETTINGS).fetchall())
    except psycopg.Error:
        return  # the database is away: others report it, and it logs nothing now
    if logging_settings := what_would_log(settings):
        logger.warning(
            "PostgreSQL would log prompts: %s; see docs/operations/database.md",
            ", ".join(logging_settings),
        )
