"""A request under /v1 that was refused, or answered again by what an earlier one had made."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refused:
    """What is known of it at its end; empty is unknown, or none. Ids are public ones.

    Attributes:
        address: its caller's, as it came.
        status: below 400 where it was answered again, by `generation`.
        message: as the caller was told, with what it quotes of theirs.
        limit: what stopped it.
    """

    request: str
    address: str
    status: int
    ms: int
    tenant: str = ""
    key: str = ""
    generation: str = ""
    model: str = ""
    code: str = ""
    param: str = ""
    message: str = ""
    limit: str = ""
