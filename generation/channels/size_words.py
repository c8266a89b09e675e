"""Sizes that a vendor orders by words of its own, such as a ratio: a file of them for its models.

    ["pro|ultra"]
    1024x1024 = { aspectRatio = "1:1" }

A model has the sizes of the first table of which a name, between bars, stands in the model's.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from generation.channels.declaration import AUTO_SIZE, Abilities


class SizeWords:
    """The words for each size that a vendor's models make; they may choose one as well."""

    def __init__(self, path: Path) -> None:
        self._tables: dict[str, dict[str, dict[str, str]]] = tomllib.loads(
            path.read_text(encoding="utf-8")
        )

    def of_model(self, upstream_model: str) -> Mapping[str, Mapping[str, str]]:
        """The words for each size of that model's."""
        for names, sizes in self._tables.items():
            if any(name in upstream_model for name in names.split("|")):
                return sizes
        return {}

    def narrowed(self, abilities: Abilities, upstream_model: str) -> Abilities:
        """The abilities with that model's sizes only."""
        return replace(abilities, sizes=frozenset({AUTO_SIZE, *self.of_model(upstream_model)}))
