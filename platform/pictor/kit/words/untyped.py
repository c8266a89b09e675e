"""Aliases for untyped data from outside, which its reader turns into typed values at once."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Row: TypeAlias = tuple[Any, ...]
"""A statement's row, by its columns."""
Json: TypeAlias = Mapping[str, Any]
"""A JSON object by its keys: a JSON column, a message, or a request whose fields are checked."""
Values: TypeAlias = Sequence[Any]
"""Values bound to a statement, in the order of its text."""
