"""The generations that match the list's filters, for acts on all of them."""

from dataclasses import dataclass, replace
from datetime import datetime

from django.http import QueryDict

from console.ops.access import Mode
from console.ops.generations import lists
from console.parts.listing import Search
from generation.models import State
from generation.oversight.searching import GenerationFilter

CLASSES = lists.CLASSES


@dataclass(frozen=True, slots=True)
class SoughtGenerations:
    """The filters of an address.

    Attributes:
        trouble: the reason why nothing is meant, in a sentence; empty if there is none.
    """

    sought: GenerationFilter
    trouble: str

    @property
    def delivered(self) -> GenerationFilter:
        return replace(self.sought, state=State.SUCCEEDED)


def filters_of(query: QueryDict, _mode: Mode, _now: datetime) -> SoughtGenerations:
    search = Search(lists.GENERATIONS, query)
    return SoughtGenerations(search.query or GenerationFilter(), " ".join(search.complaints))
