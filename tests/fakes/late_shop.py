"""A vendor whose orders are followed, as a script of RawServer. Standard library only."""

import asyncio
from dataclasses import dataclass, field

from tests.fakes.raw_server import Received, Script


@dataclass
class LateShop:
    """Makes the same picture of each order.

    Attributes:
        origin: its own.
        picture: the bytes of the picture.
        scripts: other answers by method and path, in turn; the last one again and again.
        seen: the method and path of each call.
    """

    origin: str
    picture: bytes
    scripts: dict[str, list[Script]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        call = f"{request.method} {request.target.partition('?')[0]}"
        self.seen.append(call)
        turns = self.scripts.get(call) or [self.usual(call, request)]
        await (turns.pop(0) if len(turns) > 1 else turns[0])(request, writer)

    def usual(self, call: str, request: Received) -> Script:
        """The answer to that call, unless there are others."""
        raise NotImplementedError
