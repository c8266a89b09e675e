"""Pages of a vendor's bill with a million lines: lists, searches, decisions, costs and the CSV.

`--requests N` is the number of lines. Their rows, and as many calls, are written past the product.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
import psutil
import psycopg

from tests.bench.ground import Ground
from tests.bench.pages import (
    LOOKS,
    MAX_MS,
    MAX_STATEMENTS,
    Look,
    get,
    measured,
    quickest,
    signed_in,
)
from tests.bench.report import MB, Result
from tests.bench.statements import Statements

LINES = 1_000_000
MAX_MB = 20.0
"""Limit of what the web processes may grow by while CSVs are made."""
LOOKED_AT = {
    "all bills": "",
    "different": "{bill}/?list=different",
    "theirs": "{bill}/?list=theirs",
    "ours": "{bill}/?list=ours",
    "equal": "{bill}/?list=equal",
    "taken": "{bill}/?list=taken",
    "disputed": "{bill}/?list=disputed",
    "the last page": "{bill}/?list=equal&after={late}",
    "by an id": "{bill}/?list=equal&q=vendor-{last}",
    "by an id of ours": "{bill}/?list=ours&q=ours-{last}",
    "by words, each line": "{bill}/?list=equal&q=output",
    "by words, none": "{bill}/?list=equal&q=zzz",
    "to be taken": "{bill}/take/?list=different&all=1",
    "to be taken, none": "{bill}/take/?list=different&q=zzz&all=1",
    "to be disputed": "{bill}/dispute/?list=theirs&all=1",
    "costs": "{bill}/costs/",
}
CSV = "{bill}/?list=equal&format=csv"
_CALLS = """
SET session_replication_role = replica;
INSERT INTO generation_attempt ({names}) SELECT {values}
  FROM (SELECT * FROM generation_attempt ORDER BY id DESC LIMIT 1) AS a,
       generate_series(1, {count}) AS i;
SET session_replication_role = origin;
"""
_OTHERWISE = {
    "id": "lpad(to_hex(i), 32, '0')::uuid",
    "dispatch": "1 + i / 30000",
    "number": "1000 + mod(i, 30000)",
    "upstream_request_id": "'ours-' || i",
}
_BILL = """
INSERT INTO generation_vendorbill
       (channel_id, name, digest, size_bytes, mapping, state, trouble, doubts, by, asked_at,
        matched_at, begins_at, ends_at, lines_read, rounding, sums, taken_lines, disputed_lines)
SELECT channel_id, 'november.csv', '', 0, '{"of": "calls"}', 'ready', '', '[]', 'bench', now(),
       now(), now() - interval '30 days', now(), %(count)s, 0,
       jsonb_build_object('equal', jsonb_build_array(%(count)s * 0.4, 0, 0),
                          'different', jsonb_build_array(%(count)s * 0.2, 0, 0)),
       %(count)s / 10, %(count)s / 10
  FROM generation_attempt ORDER BY id DESC LIMIT 1 RETURNING id
"""
# Of ten lines four are equal, two differ, two are theirs and two ours; half of the latter are
# decided.
_LINES = """
INSERT INTO generation_billline
       (bill_id, number, key, same_row, at, item, model, request_id, n, exact, micros, outcome,
        theirs_micros, ours_micros, is_unknown, attempt_id, candidates, decision, taken_micros,
        takes, words, by)
SELECT b.id, i, 'channel ' || b.channel_id || ': '
                || CASE WHEN mod(i, 10) > 7 THEN lpad(to_hex(i), 32, '0')::uuid::text
                        ELSE 'vendor-' || i END,
       '', b.begins_at + i * interval '1 second', 'gpt-image-2, output', 'gpt-image-2',
       CASE WHEN mod(i, 10) > 7 THEN 'ours-' ELSE 'vendor-' END || i, 1, 30000, 30000,
       ('[0:9]={equal,equal,equal,equal,different,different,theirs,theirs,ours,ours}'::text[])
       [mod(i, 10)], 30000, 30000 - mod(i, 10) / 4, false,
       CASE WHEN mod(i, 10) NOT IN (6, 7) THEN lpad(to_hex(i), 32, '0')::uuid END, '[]',
       CASE mod(i, 10) WHEN 5 THEN 'taken' WHEN 7 THEN 'disputed' ELSE '' END,
       CASE mod(i, 10) WHEN 5 THEN 1 ELSE 0 END, CASE mod(i, 10) WHEN 5 THEN 1 ELSE 0 END, '', ''
  FROM generation_vendorbill AS b, generate_series(1, %(count)s) AS i WHERE b.id = %(bill)s
"""


def run(ground: Ground, requests: int | None) -> Result:
    """Look at each page repeatedly, then make CSVs."""
    count, looks = requests or LINES, dict[str, Look]()
    with (
        _filled(ground, count) as known,
        Statements.of(ground.stack) as asked,
        signed_in(ground) as browser,
    ):
        for name, path in LOOKED_AT.items():
            look = partial(get, browser, f"/ops/reconciliation/{path.format(**known)}", {})
            looks[name] = quickest([measured(look, asked) for _ in range(LOOKS + 1)][1:])
        csv = measured(partial(_csv, browser, known), asked)
        before = _web_bytes(ground)
        for _ in range(LOOKS):
            _csv(browser, known)
        grown = (_web_bytes(ground) - before) / MB
    width = max(map(len, looks))
    slow = {
        name: look
        for name, look in looks.items()
        if look.ms > MAX_MS or look.asked.number > MAX_STATEMENTS
    }
    return Result(
        name=f"bill_lines: {count:,} lines; the quickest of {LOOKS} looks",
        lines=[
            f"{'':<{width}}  statements  their ms  all ms",
            *(
                f"{name:<{width}}  {look.asked.number:>10}  {look.asked.ms:>8.1f}  {look.ms:>6.0f}"
                for name, look in looks.items()
            ),
            f"a CSV in {csv.ms / 1000:.1f} s; {LOOKS} more took {grown:.1f} MB",
        ],
        columns={},
        figures={
            **{
                name: {"statements": look.asked.number, "ms": look.ms}
                for name, look in looks.items()
            },
            "csv": {"ms": csv.ms, "grown_mb": grown},
        },
        failures=[
            *(
                f"{name} took {look.ms:.0f} ms and {look.asked.number}"
                for name, look in slow.items()
            ),
            *([f"CSVs took {grown:.0f} MB"] if grown > MAX_MB else []),
        ],
    )


def _csv(browser: httpx.Client, known: Mapping[str, object]) -> None:
    with browser.stream("GET", f"/ops/reconciliation/{CSV.format(**known)}") as answer:
        answer.raise_for_status()
        for _ in answer.iter_raw():
            pass


def _web_bytes(ground: Ground) -> int:
    return sum(psutil.Process(pid).memory_info().rss for pid in ground.stack.pids()["web"])


@contextmanager
def _filled(ground: Ground, count: int) -> Iterator[dict[str, object]]:
    """Write the bill; yields its number, and an id near the end of its equal lines."""
    ground.warm_up()
    stack = ground.stack
    with psycopg.connect(stack.env["MIGRATION_DATABASE_URL"], autocommit=True) as owner:
        names = _columns(owner)
        values = ", ".join(_OTHERWISE.get(name, f'a."{name}"') for name in names)
        quoted = ", ".join(f'"{name}"' for name in names)
        owner.execute(_CALLS.format(names=quoted, values=values, count=count).encode())
        ((bill,),) = owner.execute(_BILL, {"count": count}).fetchall()
        owner.execute(_LINES, {"count": count, "bill": bill})
        owner.execute("VACUUM ANALYZE generation_billline, generation_attempt")
        late = "SELECT max(id) - 1000 FROM generation_billline WHERE outcome = 'equal'"
        ((line,),) = owner.execute(late).fetchall()
        yield {"bill": bill, "late": line, "last": count}


def _columns(owner: "psycopg.Connection[Any]") -> list[str]:
    found = owner.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'generation_attempt'"
    )
    return [str(name) for (name,) in found.fetchall()]
