"""One drill on one site: a tenant of its own, its load, and the results."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.drills.clusters import Cluster
from tests.drills.ground import Site
from tests.drills.load import Answer, Load, failed, seconds_of
from tests.drills.report import Result
from tests.stack.stack_processes import until

HALF_A_SECOND = "[sandbox: delay=0.5]"
UNHEARD_SECONDS = 60.0
"""Time that a generation may still take after its caller was refused."""
_STORED = """
SELECT count(*) FROM storage_storedimage AS i JOIN accounts_tenant AS t ON t.id = i.tenant_id
WHERE t.name = %s
"""
_CHARGED = """
SELECT count(*) FROM billing_transfer AS x JOIN accounts_tenant AS t ON t.id = x.tenant_id
WHERE t.name = %s AND x.kind = 'capture'
"""
_HELD = """
SELECT b.held::bigint FROM billing_tenantbalance AS b
JOIN accounts_tenant AS t ON t.id = b.tenant_id WHERE t.name = %s
"""


@dataclass
class Trial:
    """Figures of a drill, and the bars that it missed."""

    name: str
    site: Site
    load: Load
    calls_before: int
    began: float = field(default_factory=time.monotonic)
    broken: list[str] = field(default_factory=list)

    def bought(self) -> int:
        """Calls that the upstream got in this drill so far."""
        return self.site.ground.calls() - self.calls_before

    def lost(self) -> int:
        """Upstream calls whose image reached no caller."""
        return self.bought() - self._succeeded()

    def _succeeded(self) -> int:
        return sum(answer.status == 200 for answer in self.load.answers)

    def check(self, is_so: object, bar: str) -> None:
        """Note a bar that is missed."""
        if not is_so:
            self.broken.append(bar)

    def nothing_failed(self) -> None:
        """Every request was answered 200."""
        answers = self.load.answers
        words = next((answer.words for answer in answers if answer.status != 200), "")
        self.check(not failed(answers), f"every request is answered 200: {words}")

    def refused_for(self, since: float) -> float:
        """Seconds from a time to the last refused request; all others must be 200."""
        answers = self.load.answers
        others = [answer for answer in answers if answer.status not in {200, 503}]
        self.check(not others, f"answers are 200 or 503: {[other.words for other in others][:1]}")
        refused = [answer for answer in answers if answer.status == 503]
        return max((answer.sent_at - since for answer in refused), default=0.0)

    def p95_as_usual(self, usual: float, answers: list[Answer]) -> float:
        """Return the p95.

        Check that it is at most 1.5 times the usual and 0.2 s, for a busy machine.
        """
        found = seconds_of(answers)[1]
        self.check(found <= 1.5 * usual + 0.2, f"p95 {found:.2f} s, usual are {usual:.2f} s")
        return found

    def result(self, done: str, besides: str) -> Result:
        """Check the promises of every drill after its load; return its line."""
        answers = self.load.answers
        succeeded = self._succeeded()
        held = self._held_at_last()
        stored, ledger = stored_of(self.site.cluster, self.name), self._ledger()
        charged = _number(self.site.cluster, _CHARGED, self.name)
        self.check(len(answers) == self.load.sent, "every request has an end")
        lost = succeeded - sum(answer.has_image for answer in answers)
        self.check(lost == 0, f"{lost} addresses led to no image")
        self.check(stored >= succeeded, f"{succeeded} were answered 200 and {stored} are stored")
        self.check(charged == stored, f"{stored} are stored and {charged} charged")
        self.check(held == 0, f"nothing is left on hold: {held} micro-USD")
        self.check(ledger == "right", "the ledger is right")
        return Result(
            name=self.name,
            done=done,
            requests=len(answers),
            failed=failed(answers),
            seconds=seconds_of(answers),
            bought=self.bought(),
            stored=stored,
            ledger=ledger,
            besides=besides,
            broken=self.broken,
            took_seconds=time.monotonic() - self.began,
        )

    def _held_at_last(self) -> int:
        """Micro-USD on hold, once generations without a waiting caller have ended too."""
        with suppress(AssertionError):
            until(lambda: self._held() == 0, UNHEARD_SECONDS)
        return self._held()

    def _held(self) -> int:
        return _number(self.site.cluster, _HELD, self.name)

    def _ledger(self) -> str:
        """`ledger_check` of the whole database."""
        try:
            found = self.site.ground.manage("ledger_check", "--json", of=self.site.cluster)
        except RuntimeError as error:
            return str(error)
        return "right" if json.loads(found)["ok"] else found


def stored_of(cluster: Cluster, tenant: str) -> int:
    """Images of a tenant that a database knows as stored."""
    return _number(cluster, _STORED, tenant)


def _number(cluster: Cluster, statement: str, tenant: str) -> int:
    """The number that a statement about a tenant returns."""
    with cluster.connection() as connection:
        (found,) = connection.execute(statement, [tenant]).fetchone() or (0,)
    return int(found)


@contextmanager
def trial(
    site: Site, name: str, *, per_second: float = 4, prompt: str = HALF_A_SECOND
) -> Iterator[Trial]:
    """A tenant whose requests arrive for as long as the block runs; all are answered at its end."""
    ground = site.ground
    created = ground.manage(
        "tenant", "create", name, "--balance", "1000", "--json", of=site.cluster
    )
    key = str(json.loads(created)["api_key"])
    with Load(ground.proxy, key, per_second, prompt) as load:
        made = Trial(name, site, load, ground.calls())
        yield made
