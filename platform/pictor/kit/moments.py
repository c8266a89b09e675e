"""A durable moment of a request, written once, and run alike in a thread and on an event loop.

    @moment
    def take(*, generation_id: UUID) -> Steps[Claim | None]:
        row = yield Part("UPDATE …", [generation_id])
        return None if row is None else Claim(*row)

`take(…)` runs over this thread's connection, `await take.on_loop(…)` over one of the loop's, and
no thread. A step is a statement, which is a transaction by itself and gives back its first row, a
question (of Redis: redis_client.py), or a call that blocks, which on a loop runs in a thread. And
CONNECT, so that the statement which is the next step waits for no connection: what is dated between
the two has the time at which it is written.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar

from pictor.kit import loop_connections, pools, prepared
from pictor.kit.loop_connections import Borrower
from pictor.kit.prepared import Part

P = ParamSpec("P")
T = TypeVar("T")


class Question(ABC):
    """What is asked of something other than the database, which a loop need not block for."""

    @abstractmethod
    def here(self) -> Any:
        """The answer; blocks this thread."""

    @abstractmethod
    async def on_loop(self) -> Any:
        """The same on the running loop."""


CONNECT: Callable[[], Any] = prepared.connect
Step: TypeAlias = Part | Question | Callable[[], Any]
Steps: TypeAlias = Generator[Step, Any, T]


class Moment(Generic[P, T]):
    """A generator function of steps, called like a plain function."""

    def __init__(self, steps: Callable[P, Steps[T]]) -> None:
        self.steps = steps
        """For a moment that is part of another: `yield from one.steps(…)`."""
        update_wrapper(self, steps)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run it in this thread. Raises what the moment does, and Django's database errors."""
        steps = self.steps(*args, **kwargs)
        try:
            step = next(steps)
            while True:
                try:
                    came = _made_here(step)
                except Exception as error:  # noqa: BLE001 - the moment may know what it means
                    step = steps.throw(error)
                else:
                    step = steps.send(came)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # a T, as Steps says

    async def on_loop(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """The same on the running loop; cancelled, it may be done or not."""
        with Borrower(loop_connections.of_this_loop()) as borrower:
            steps = self.steps(*args, **kwargs)
            try:
                step = next(steps)
                while True:
                    try:
                        came = await _made(step, borrower)
                    except Exception as error:  # noqa: BLE001 - as above
                        step = steps.throw(error)
                    else:
                        step = steps.send(came)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]  # as above


def _made_here(step: Step) -> Any:
    if isinstance(step, Part):
        return prepared.fetch_one(*step)
    return step.here() if isinstance(step, Question) else step()


async def _made(step: Step, borrower: Borrower) -> Any:
    if isinstance(step, Part):
        return await borrower.fetch_one(*step)
    if step is CONNECT:
        return await borrower.connect()
    return await (step.on_loop() if isinstance(step, Question) else pools.database(step))


def moment(steps: Callable[P, Steps[T]]) -> Moment[P, T]:
    """Make a moment of a generator function."""
    return Moment(steps)
