"""A request under /v1 that was refused, or answered with the result of an earlier one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refused:
    """Facts known at the request's end; empty if unknown or absent. Ids are public ones.

    Attributes:
        address: the caller's address, unchanged.
        status: below 400 if an earlier request's `generation` answered it.
        message: the message to the caller, including quotes of the caller's own words.
        limit: the limit that it exceeded.
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
