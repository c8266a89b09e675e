"""Other code under load: processes restarted in turn, and two versions side by side."""

import time

from tests.bench.compare import files_of
from tests.drills.ground import Ground
from tests.drills.load import seconds_of
from tests.drills.report import Result
from tests.drills.trial import Trial, trial
from tests.stack.servers import ROOT

PER_SECOND = 8
BEFORE = "9fb68fc"
"""The version before this one, whose processes must work beside ours."""
PHASE_SECONDS = 15
LIST = "drills"
HEADER = "model,size,quality,usd,kind,width,height"
CELL = "gpt-image-2-origin,1024x1024,low,0.005000,fixed,1024,1024"
CHARGED = """
SELECT DISTINCT x.amount FROM billing_transfer AS x JOIN accounts_tenant AS t ON t.id = x.tenant_id
WHERE t.name = %s AND x.kind = 'capture' ORDER BY 1
"""


def rolling(ground: Ground) -> Result:
    """Every process is restarted in turn, as `systemctl restart` does it."""
    with ground.site() as site:
        site.is_storing()
        with trial(site, "rolling", per_second=PER_SECOND) as run:
            run.load.goes_on(5)
            for kind in ("short", "images", "web"):
                site.renew(kind)
            run.load.goes_on(5)
        run.nothing_failed()
        cut = run.lost()
        run.check(cut == 0, f"{cut} calls were cut off")
        return run.result(
            "short-work workers, image workers and web processes restarted behind nginx,"
            f" one after the other, {PER_SECOND} a second",
            f"{cut} calls cut off",
        )


def versions(ground: Ground) -> Result:
    """The former code, then it with our workers, then ours, then its workers with our web.

    The tenant has a shared price list, unknown to the former code: its web processes charge
    everyone's prices, and its workers settle requests that ours have held by the list.
    """
    p95: dict[str, float] = {}
    with files_of(BEFORE) as old, ground.site(root=old) as site:
        site.is_storing()
        with trial(site, "versions", per_second=PER_SECOND) as run:
            _share(run)
            p95["old alone"] = _phase(run)
            for kind in ("short", "images"):
                site.renew(kind, root=ROOT)
            p95["old web, new workers"] = _phase(run)
            site.renew("web", root=ROOT)
            p95["new alone"] = _phase(run)
            for kind in ("short", "images"):
                site.renew(kind, root=old)
            p95["new web, old workers"] = _phase(run)
        run.nothing_failed()
        for name in ("old web, new workers", "new web, old workers"):
            usual = max(p95["old alone"], p95["new alone"])
            run.check(p95[name] <= 1.5 * usual + 0.2, f"{name}: p95 {p95[name]:.2f} s")
        charged = _charged(run)
        run.check(charged == [5_000, 5_880], f"everyone's price and the list's: {charged}")
        return run.result(
            f"the code of {BEFORE} and this, on the schema of this, {PER_SECOND} a second;"
            " of a tenant with a shared price list, which ours charges by and both settle",
            "p95: " + ", ".join(f"{name} {value:.2f} s" for name, value in p95.items()),
        )


def _share(run: Trial) -> None:
    """Give the tenant a list that sells the requested image below everyone's price."""
    manage, cluster = run.site.ground.manage, run.site.cluster
    prices = run.site.ground.folder / "list.csv"
    prices.write_text(f"{HEADER}\n{CELL}\n", encoding="utf-8")
    manage("price", "list-create", LIST, of=cluster)
    manage("price", "import", str(prices), "--name", LIST, "--list", LIST, of=cluster)
    manage("price", "publish", f"{LIST}:1", "--yes", of=cluster)
    manage("price", "assign", run.name, LIST, "--yes", of=cluster)


def _charged(run: Trial) -> list[int]:
    """Different amounts charged for one image, in micros."""
    with run.site.cluster.connection() as connection:
        rows = connection.execute(CHARGED, [run.name]).fetchall()
    return [int(amount) for (amount,) in rows]


def _phase(run: Trial) -> float:
    """p95 of a phase, answers included."""
    run.load.goes_on(2)
    begin = time.monotonic()
    run.load.goes_on(PHASE_SECONDS)
    end = time.monotonic()
    run.load.goes_on(3)
    return seconds_of(run.load.sent_between(begin, end))[1]
