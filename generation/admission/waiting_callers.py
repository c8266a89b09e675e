"""The callers of this web process without an answer, written to the database in batches.

Lives on the event loop. A departure is written at once, since the retry may be on its way; this
process knows of it even before. Answers are written together, after they were sent: if a crash
prevents that, a retry may at worst find an image that is already paid for.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Collection
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection

from generation.admission import retry_shield
from generation.admission.retry_shield import Attendance, Turn, WebProcess
from pictor.kit.database import pools
from pictor.kit.database.loop_connections import fetch_async
from pictor.kit.running import vital

logger = logging.getLogger(__name__)

COALESCE_SECONDS = 0.5
"""Answers are written together, this long after the first of them."""
GONE_SECONDS = 60.0
"""The time for which a caller who left before admission is remembered, until that ends."""
AGAIN_SECONDS = 0.5
CONFIRM_SECONDS = 1.0
LAST_WORDS_SECONDS = 2.0
SILENT_SECONDS = 60.0
"""The process ends if its presence lock was not confirmed for this long."""
LISTEN_SECONDS = 10.0


class _Batch:
    """Finished turns on their way to the database, retried until they are there."""

    def __init__(
        self, write: Callable[[Collection[Turn]], Awaitable[None]], *, after_seconds: float
    ) -> None:
        self._write = write
        self._after_seconds = after_seconds
        self._turns: set[Turn] = set()
        self._writing: asyncio.Task[None] | None = None

    def add(self, turn: Turn) -> None:
        """Write this one soon."""
        self._turns.add(turn)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())

    async def written(self) -> None:
        """Wait until everything added so far is in the database."""
        if self._writing is not None:
            # A caller that stops waiting must not stop the writing.
            await asyncio.shield(self._writing)

    async def _write_all(self) -> None:
        while self._turns:
            await asyncio.sleep(self._after_seconds)
            batch = frozenset(self._turns)
            try:
                await self._write(batch)
                self._turns -= batch  # others may have been added meanwhile
            except (DatabaseError, InterfaceError) as error:
                logger.warning("callers' answers could not be recorded, trying again: %s", error)
                await asyncio.sleep(AGAIN_SECONDS)


class Callers:
    """All callers of a web process."""

    thread: threading.Thread

    def __init__(self) -> None:
        self._process = WebProcess()
        self._is_stopping = threading.Event()
        self._answered = _Batch(self._write_answered, after_seconds=COALESCE_SECONDS)
        self._left = _Batch(self._write_left, after_seconds=0)

    def attend(self, generation_id: UUID, on_end: list[Callable[[bool], None]]) -> Attendance:
        """Register a caller, for this new generation unless a retry finds an orphan.

        Appends to `on_end` a function to call at the end: was the whole answer sent?
        """
        attendance = Attendance(self._process, Turn(generation_id))
        on_end.append(lambda was_answered: self._end(attendance, was_answered=was_answered))
        return attendance

    async def start(self) -> None:
        """Announce this process; the database may take its time."""
        self._confirmed_at = time.monotonic()
        self.thread = vital.start_thread(
            "presence", self._stay_present, is_over=self._is_stopping.is_set
        )
        self._watching = vital.start_task("presence-watch", self._watch())

    async def stop(self) -> None:
        """Write everything that is known, then end."""
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await asyncio.gather(self._left.written(), self._answered.written())
        except TimeoutError:
            logger.warning("stopped before the last answers were recorded")
        # Only now: without its lock, this process would count as dead to retries.
        self._is_stopping.set()
        self._watching.cancel()

    async def _watch(self) -> None:
        """End the process if its look hangs: a connection that died unnoticed raises nothing."""
        while True:
            await asyncio.sleep(LISTEN_SECONDS)
            if time.monotonic() - self._confirmed_at > SILENT_SECONDS:
                vital.end_process("its presence has hung")

    def _end(self, attendance: Attendance, *, was_answered: bool) -> None:
        # An answer given in doubt is none: what was committed must be an orphan (ADR 0010).
        if was_answered and not attendance.is_in_doubt:
            if attendance.is_admitted:
                self._answered.add(attendance.turn)
            return
        attendance.is_gone = True
        gone = self._process.gone
        # Known here before the database knows: a retry on its heels finds it too (ADR 0010).
        gone.add(attendance.turn)
        asyncio.get_running_loop().call_later(GONE_SECONDS, self._forget, attendance)
        if attendance.is_admitted or attendance.is_in_doubt:
            self._left.add(attendance.turn)

    def _forget(self, attendance: Attendance) -> None:
        """The admission has ended by now; if it is in doubt, only the database knows how."""
        self._process.gone.discard(attendance.turn)
        if attendance.is_in_doubt:
            self._left.add(attendance.turn)

    @staticmethod
    async def _write_answered(turns: Collection[Turn]) -> None:
        await fetch_async(retry_shield.answered_statement(turns))

    async def _write_left(self, turns: Collection[Turn]) -> None:
        await pools.views(retry_shield.record_left, turns)
        self._process.gone.difference_update(turns)

    def _stay_present(self) -> None:
        """The presence's thread: its one connection holds the process's lock."""
        is_held = False
        while True:
            # Also after a failure: only a look that hangs lets this grow old.
            self._confirmed_at = time.monotonic()
            try:
                if is_held:
                    retry_shield.confirm_presence()
                else:
                    retry_shield.take_presence(self._process.number)
                is_held = True
            except (DatabaseError, InterfaceError) as error:
                logger.warning("the presence lock was lost, taking it again: %s", error)
                is_held = False
                # PostgreSQL freed the lock with the old connection; a new one takes it again.
                connection.close()
            if self._is_stopping.wait(CONFIRM_SECONDS if is_held else AGAIN_SECONDS):
                connection.close()
                return


callers = Callers()
"""The web process's only instance."""
