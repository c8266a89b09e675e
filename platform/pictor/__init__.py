"""The project package: settings, entry points, the supervisor and the kit."""

from pathlib import Path

__version__ = "0.2.0"

_ABOVE = Path(__file__).resolve().parents[2]
ROOT = _ABOVE if (_ABOVE / "manage.py").is_file() else Path.cwd()
"""The checkout, or the working directory of an installed Pictor."""
