"""What comes from outside without types: whoever reads it makes values of it at once."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Row: TypeAlias = tuple[Any, ...]
"""Of a statement, by its columns."""
Json: TypeAlias = Mapping[str, Any]
"""An object, by its keys: of a JSON column, a message, or a request once its fields are checked."""
Values: TypeAlias = Sequence[Any]
"""Bound to a statement, in the order of its text."""
