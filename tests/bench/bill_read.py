"""The memory of the short-work worker while it reads a bill of the most bytes and cells.

`--requests N` is the number of lines. The bill is written past the product, as a page leaves it.
"""

import json
import time
from hashlib import sha256
from typing import Any

import psycopg

from generation.oversight.bills.mapping import Columns
from tests.bench import report
from tests.bench.ground import Ground
from tests.bench.meter import Groups, Sampler, idle_bytes
from tests.bench.report import MB, Result

LINES = 100_000
COLUMNS = 10
"""With the lines as many cells as a page takes: one million."""
MAX_SECONDS = 300
_BILL = """
INSERT INTO generation_vendorbill
       (channel_id, name, digest, size_bytes, content, mapping, state, trouble, doubts, by,
        asked_at, lines_read, rounding, sums, taken_lines, disputed_lines)
SELECT id, 'largest.csv', %(digest)s, %(size)s, %(content)s, %(mapping)s, 'waiting', '', '[]',
       'bench', now(), 0, 0, '{}', 0, 0
  FROM generation_channel ORDER BY id LIMIT 1 RETURNING id
"""


def run(ground: Ground, requests: int | None) -> Result:
    """Leave the bill for the worker and watch until it is read."""
    count = requests or LINES
    ground.warm_up()
    content = _bill(count)
    groups = Groups(ground.stack)
    idle = idle_bytes(groups)
    with ground.database() as connection, Sampler(groups, lambda: 0) as seen:
        state, trouble = _read(connection, content)
    peak = seen.peak_bytes()
    return Result(
        name=f"bill_read: {count:,} lines, {COLUMNS} columns, {len(content) / MB:.1f} MB",
        lines=[f"the bill is {state} {trouble}".strip()],
        columns={"idle MB": report.in_units(idle, MB), "peak MB": report.in_units(peak, MB)},
        figures={"idle_bytes": idle, "peak_bytes": peak},
        failures=[] if state in {"ready", "doubtful"} else [f"the bill is {state}: {trouble}"],
    )


def _bill(count: int) -> bytes:
    """The largest text: one character outside Unicode's first plane makes all take four bytes."""
    names = ["request_id", "time", "model", "amount_usd", *map("note{}".format, range(COLUMNS - 4))]
    notes = ",".join(["words"] * (COLUMNS - 5) + ["\N{FRAME WITH PICTURE}"])
    lines = (f"id-{n},2026-01-01T00:00:00Z,gpt-image-2,0.03,{notes}" for n in range(count))
    return "\n".join([",".join(names), *lines]).encode()


def _read(connection: "psycopg.Connection[Any]", content: bytes) -> tuple[str, str]:
    columns = Columns(request_id="request_id", time="time", model="model", amount="amount_usd")
    known = {
        "digest": sha256(content).hexdigest(),
        "size": len(content),
        "content": content,
        "mapping": json.dumps(columns.as_json),
    }
    ((bill,),) = connection.execute(_BILL, known).fetchall()
    ends_at = time.monotonic() + MAX_SECONDS
    sought = "SELECT state, trouble FROM generation_vendorbill WHERE id = %s"
    state, trouble = "waiting", ""
    while state == "waiting" and time.monotonic() < ends_at:
        time.sleep(0.2)  # the worker tells nobody that a bill is read
        ((state, trouble),) = connection.execute(sought, [bill]).fetchall()
    return state, trouble
