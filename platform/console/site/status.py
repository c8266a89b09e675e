"""What works just now: the image workers' leases and the routes of each model. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from generation.catalogue.contracts import Catalogue

State = Literal["ok", "bad"]


@dataclass(frozen=True, slots=True)
class Component:
    """One line of the page: what it is, whether it works, and that in words."""

    name: str
    state: State
    words: str


def components(catalogue: Catalogue, *, image_workers: int) -> list[Component]:
    """The API, the image workers, and every model that is offered.

    The API is well wherever this is shown: the page is made by the same process and database.
    """
    makers = Component("Image workers", *_works(image_workers, "At work", "None is at work"))
    return [Component("API", "ok", "Answers"), makers, *_models(catalogue.routes, catalogue)]


def _models(routes: Mapping[str, object], catalogue: Catalogue) -> list[Component]:
    names = sorted((name for name in catalogue.contracts if catalogue.contract(name)), reverse=True)
    return [
        Component(name, *_works(bool(routes.get(name)), "Can be called", "No channel serves it"))
        for name in names
    ]


def _works(is_well: object, well: str, ill: str) -> tuple[State, str]:
    return ("ok", well) if is_well else ("bad", ill)
