# ruff: noqa: S608 - the statements are built of constants
"""Match a bill's lines to our calls: by request id, by model and minute, or by day.

Calls are attempts and tests of routes, at their corrected cost. Calls with test keys and demo data
are on no bill.

A line's key is made only of the channel and of the vendor's words, so no later route or call gives
the same line in an overlapping bill another key. Totals of days are added up by the word that their
line item begins with, and so are our calls by that of their model.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db.models import Count, Sum

from billing.selectors.office.relations import corrections_of
from generation.models import BillLine, Route, VendorBill
from generation.oversight.bills.mapping import END_OF_NAME, PER_DAY, Columns, model_of
from generation.selectors import COST_UNKNOWN
from pictor.kit.database.cursors import first_column, first_row, run
from pictor.kit.database.spans import Span
from pictor.kit.words import ids
from pictor.kit.words.money import Micros

MAX_CANDIDATES = 5
LONGEST_OWN = 120
"""The most characters of a key after its channel; longer ones are digested.

The name of a correction is a key with more words, and has at most 200 characters.
"""
_AROUND = timedelta(days=1)
"""Calls up to this long outside the bill's period are matched too, as the vendor's clock may
differ."""
_CALLS = """(
    SELECT a.id AS call, a.id AS attempt_id, NULL::uuid AS trial_id,
           a.upstream_request_id AS request_id, a.upstream_model AS model,
           COALESCE(NULLIF(a.images_received, 0), a.n)::int AS n, a.started_at, a.finished_at,
           a.cost_micros + COALESCE(c.change, 0) AS micros,
           {unknown} AND c.change IS NULL AS is_unknown
      FROM generation_attempt AS a
      JOIN generation_generation AS g ON g.id = a.generation_id
      LEFT JOIN {corrections} AS c ON c.attempt_id = a.id
     WHERE a.channel_id = %(channel)s AND {span} AND a.finished_at IS NOT NULL
       AND a.started_at >= %(first)s AND a.started_at < %(last)s
       AND g.livemode AND g.source <> 'demo'
    UNION ALL
    SELECT t.id, NULL, t.id, t.upstream_request_id, t.upstream_model, 1, t.started_at,
           t.finished_at, t.cost_micros, t.cost_source = 'unknown' AND t.may_have_billed
      FROM generation_channeltrial AS t
     WHERE t.channel_id = %(channel)s AND t.finished_at IS NOT NULL
       AND t.started_at >= %(first)s AND t.started_at < %(last)s
) AS calls
"""
_LOOK_UP = f"""
CREATE TEMPORARY TABLE bill_calls AS
SELECT *, COUNT(*) OVER (PARTITION BY request_id) AS times, NULL::bigint AS line FROM {_CALLS}
"""
_WORD = "COALESCE(lower(substring(btrim({}) from %(word)s)), '')"
"""The first word of a line item or model, such as `gpt-image-1` of `gpt-image-1, output`."""
_WORD_IS = f"^(.+?)(?:{END_OF_NAME})"
_OF_DAY = f"""
SELECT COALESCE(SUM(micros), 0)::bigint FROM {_CALLS}
 WHERE {_WORD.format("model")} = %(model)s AND (finished_at AT TIME ZONE 'UTC')::date = %(day)s
"""
_WORDS = f"""
WITH known AS (
    SELECT DISTINCT {_WORD.format("model")} AS word
      FROM (SELECT unnest(%(models)s::text[]) UNION SELECT model FROM bill_calls) AS said (model)
)
UPDATE generation_billline AS l SET model = known.word
  FROM known WHERE l.bill_id = %(bill)s AND l.number > 0 AND known.word <> ''
   AND known.word = {_WORD.format("l.item")}
"""
_MODELS = """
UPDATE generation_billline AS l SET model = said.model
  FROM unnest(%(items)s::text[], %(models)s::text[]) AS said (item, model)
 WHERE l.bill_id = %(bill)s AND l.number > 0 AND l.item = said.item
"""
_KEYS = f"""
WITH timed AS (
    SELECT *, at AT TIME ZONE 'UTC' AS utc
      FROM generation_billline WHERE bill_id = %(bill)s AND number > 0
), said AS (
    SELECT *, CASE WHEN request_id <> '' THEN request_id
                   WHEN %(by_day)s THEN to_char(utc, 'YYYY-MM-DD, ') || {_WORD.format("item")}
                   ELSE concat_ws(', ', to_char(utc, 'YYYY-MM-DD HH24:MI'), item, micros)
                        || ' #' || row_number() OVER (
                            PARTITION BY request_id, date_trunc('minute', utc), item, micros
                            ORDER BY number) END AS own
      FROM timed
), counted AS (
    SELECT *, row_number() OVER same AS nth, first_value(number) OVER same AS first
      FROM said WINDOW same AS (PARTITION BY own, same_row ORDER BY number)
), together AS (
    SELECT *, min(number) OVER (PARTITION BY own) AS leader,
           max(n) OVER (PARTITION BY own) AS most,
           SUM(micros) FILTER (WHERE nth = 1) OVER (PARTITION BY own) AS total FROM counted
)
UPDATE generation_billline AS l
   SET key = %(prefix)s || CASE WHEN length(t.own) <= {LONGEST_OWN} THEN t.own
                                ELSE encode(sha256(convert_to(t.own, 'UTF8')), 'hex') END
                        || CASE WHEN nth > 1 THEN concat(' again ', nth, ' ', t.same_row)
                                ELSE '' END,
       of = CASE WHEN nth > 1 THEN first WHEN t.number <> leader THEN leader END,
       outcome = CASE WHEN nth > 1 THEN 'theirs' WHEN t.number <> leader THEN 'part' ELSE '' END,
       theirs_micros = CASE WHEN nth > 1 THEN t.micros WHEN t.number = leader THEN total ELSE 0 END,
       n = CASE WHEN nth = 1 AND t.number = leader THEN most ELSE t.n END
  FROM together AS t WHERE t.id = l.id
"""
_OPEN = """(
    SELECT l.* FROM generation_billline AS l
     WHERE l.bill_id = %(bill)s AND l.outcome = '' AND l.decision <> 'taken'
       AND NOT EXISTS (SELECT FROM bill_calls AS c WHERE c.line = l.id)
)"""
_KEPT = """
UPDATE bill_calls AS c SET line = l.id FROM generation_billline AS l
 WHERE l.bill_id = %(bill)s AND l.number > 0 AND c.call = COALESCE(l.attempt_id, l.trial_id)
"""
_BY_ID = f"""
UPDATE bill_calls AS c SET line = l.id FROM {_OPEN} AS l
 WHERE l.request_id <> '' AND c.request_id = l.request_id AND c.times = 1
"""
_MINUTE = "date_trunc('minute', {})"
_LINE_IS = f"l.model, {_MINUTE.format('l.at')}, CASE WHEN %(by_number)s THEN COALESCE(l.n, 0) END"
_CALL_IS = "c.model, {minute}, CASE WHEN %(by_number)s THEN COALESCE(c.n, 0) END"
_FREE = """
   c.line IS NULL AND (%(bare)s OR c.request_id = '')
"""
_EQUAL = f"""
UPDATE bill_calls AS c SET line = pair.line FROM (
    SELECT l.id AS line, c.call FROM (
        SELECT l.id, l.model, {_MINUTE.format("l.at")} AS minute, COALESCE(l.n, 0) AS n,
               l.theirs_micros AS micros,
               row_number() OVER (PARTITION BY {_LINE_IS}, l.theirs_micros ORDER BY number) AS nth
          FROM {_OPEN} AS l WHERE l.model <> '' AND (l.request_id = '') = %(bare)s) AS l
      JOIN (
        SELECT c.call, c.model, {{minute}} AS minute, COALESCE(c.n, 0) AS n, c.micros,
               row_number() OVER (PARTITION BY {_CALL_IS}, c.micros
                                  ORDER BY c.started_at, c.call) AS nth
          FROM bill_calls AS c WHERE {_FREE}) AS c
     USING (model, minute, micros, nth)
     WHERE NOT %(by_number)s OR l.n = c.n
) AS pair WHERE pair.call = c.call
"""
_ONLY_ONES = f"""
UPDATE bill_calls AS c SET line = pair.line FROM (
    SELECT l.id AS line, c.call FROM (
        SELECT l.id, l.model, {_MINUTE.format("l.at")} AS minute, COALESCE(l.n, 0) AS n,
               COUNT(*) OVER (PARTITION BY {_LINE_IS}) AS alike
          FROM {_OPEN} AS l WHERE l.model <> '' AND (l.request_id = '') = %(bare)s) AS l
      JOIN (
        SELECT c.call, c.model, {{minute}} AS minute, COALESCE(c.n, 0) AS n,
               COUNT(*) OVER (PARTITION BY {_CALL_IS}) AS alike
          FROM bill_calls AS c WHERE {_FREE}) AS c
     USING (model, minute)
     WHERE l.alike = 1 AND c.alike = 1 AND (NOT %(by_number)s OR l.n = c.n)
) AS pair WHERE pair.call = c.call
"""
_IN_MINUTE = f"""
    SELECT l.id, c.call, c.started_at FROM {_OPEN} AS l
      JOIN (
        SELECT *, {{minute}} AS minute,
               row_number() OVER (PARTITION BY {_CALL_IS}, c.request_id = ''
                                  ORDER BY c.started_at, c.call) AS nth
          FROM bill_calls AS c WHERE c.line IS NULL) AS c
        ON c.model = l.model AND c.minute = {_MINUTE.format("l.at")}
     WHERE c.nth <= {MAX_CANDIDATES} AND (l.request_id = '' OR c.request_id = '')
       AND (NOT %(by_number)s OR COALESCE(l.n, 0) = COALESCE(c.n, 0))
"""
_CANDIDATES = f"""
WITH pairs AS (
    SELECT l.id, c.call, c.started_at FROM {_OPEN} AS l
      JOIN bill_calls AS c ON c.request_id = l.request_id
     WHERE c.line IS NULL AND l.request_id <> ''
    UNION {_IN_MINUTE.replace("{minute}", _MINUTE.format("c.started_at"))}
    UNION {_IN_MINUTE.replace("{minute}", _MINUTE.format("c.finished_at"))}
), first AS (
    SELECT *, row_number() OVER (PARTITION BY id ORDER BY started_at, call) AS nth FROM pairs
)
UPDATE generation_billline AS line SET candidates = found.calls FROM (
    SELECT id, jsonb_agg(call ORDER BY nth) AS calls FROM first
     WHERE nth <= {MAX_CANDIDATES} GROUP BY id
) AS found WHERE found.id = line.id
"""
_DAYS = f"""
UPDATE generation_billline AS l SET ours_micros = ours.micros, is_unknown = ours.is_unknown
  FROM (SELECT (finished_at AT TIME ZONE 'UTC')::date AS day, {_WORD.format("model")} AS model,
               SUM(micros)::bigint AS micros, bool_or(is_unknown) AS is_unknown
          FROM bill_calls GROUP BY 1, 2) AS ours
 WHERE l.bill_id = %(bill)s AND l.outcome = '' AND l.model = ours.model AND l.model <> ''
   AND (l.at AT TIME ZONE 'UTC')::date = ours.day
"""
_PAIRED = """
UPDATE generation_billline AS l
   SET attempt_id = c.attempt_id, trial_id = c.trial_id, ours_micros = c.micros,
       is_unknown = c.is_unknown, model = c.model, n = COALESCE(l.n, c.n)
  FROM bill_calls AS c WHERE c.line = l.id
"""
_TAKEN_BEFORE = """
UPDATE generation_billline AS l
   SET ours_micros = l.ours_micros + taken.micros,
       words = CASE WHEN l.decision = '' THEN 'Taken with an earlier bill' ELSE l.words END
  FROM (SELECT key, SUM(taken_micros)::bigint AS micros FROM generation_billline
         WHERE taken_micros <> 0 AND attempt_id IS NULL GROUP BY key) AS taken
 WHERE l.bill_id = %(bill)s AND l.key = taken.key
   AND l.outcome = ANY (%(among)s) AND (l.number > 0 OR l.decision = '')
"""
_NOTHING_LEFT = """
DELETE FROM generation_billline
 WHERE bill_id = %(bill)s AND outcome = 'ours' AND ours_micros = 0 AND decision = ''
"""
_OUTCOMES = """
UPDATE generation_billline AS l
   SET outcome = CASE
           WHEN l.theirs_micros = l.ours_micros
                AND (l.attempt_id IS NOT NULL OR l.trial_id IS NOT NULL OR l.ours_micros <> 0
                     OR %(by_day)s AND l.model <> '') THEN 'equal'
           WHEN l.attempt_id IS NOT NULL OR l.trial_id IS NOT NULL OR l.ours_micros <> 0
                OR l.is_unknown OR l.candidates <> '[]' THEN 'different'
           ELSE 'theirs' END
 WHERE l.bill_id = %(bill)s AND (l.outcome = '' OR l.outcome = 'theirs' AND l.ours_micros <> 0)
"""
_INSERT = """
INSERT INTO generation_billline
       (bill_id, number, key, same_row, at, item, model, request_id, n, exact, micros, outcome, of,
        theirs_micros, ours_micros, is_unknown, attempt_id, trial_id, candidates, decision,
        taken_micros, takes, words, by, decided_at)
"""
_OURS_ALONE = f"""{_INSERT}
SELECT %(bill)s, 0, %(prefix)s || c.call, '', c.finished_at, '', c.model, c.request_id, c.n, NULL,
       0, 'ours', NULL, 0, c.micros, false, c.attempt_id, c.trial_id, '[]', '', 0, 0, '', '', NULL
  FROM bill_calls AS c
 WHERE c.line IS NULL AND c.micros > 0
   AND c.finished_at >= %(begins)s AND c.finished_at < %(ends)s
   AND NOT EXISTS (SELECT FROM generation_billline AS l
                    WHERE l.bill_id = %(bill)s AND l.key = %(prefix)s || c.call)
 ORDER BY c.finished_at, c.call
"""
_DAYS_ALONE = f"""{_INSERT}
SELECT %(bill)s, 0, %(prefix)s || to_char(day, 'YYYY-MM-DD, ') || model, '',
       day AT TIME ZONE 'UTC', '', model, '', n, NULL, 0, 'ours', NULL, 0, micros, false, NULL,
       NULL, '[]', '', 0, 0, '', '', NULL
  FROM (SELECT date_trunc('day', finished_at AT TIME ZONE 'UTC') AS day,
               {_WORD.format("model")} AS model, SUM(n)::int AS n, SUM(micros)::bigint AS micros
          FROM bill_calls
         WHERE finished_at >= %(begins)s AND finished_at < %(ends)s GROUP BY 1, 2) AS ours
 WHERE micros > 0 AND NOT EXISTS (
       SELECT FROM generation_billline AS l
        WHERE l.bill_id = %(bill)s AND l.model = ours.model
          AND (l.at AT TIME ZONE 'UTC')::date = ours.day::date)
 ORDER BY day, model
"""


_IS_KEPT = """
(decision = 'taken' OR candidates <> '[]' AND COALESCE(attempt_id, trial_id) IS NOT NULL)
"""
_AS_READ = f"""
UPDATE generation_billline
   SET outcome = '', of = NULL, theirs_micros = 0, ours_micros = 0, is_unknown = false, model = '',
       attempt_id = CASE WHEN {_IS_KEPT} THEN attempt_id END,
       trial_id = CASE WHEN {_IS_KEPT} THEN trial_id END,
       candidates = CASE WHEN {_IS_KEPT} THEN candidates ELSE '[]' END
 WHERE bill_id = %(bill)s AND number > 0
"""


def begin_again(bill: VendorBill) -> None:
    """Forget the matches of its lines, but not the decisions about them and the calls picked."""
    bill.lines.filter(outcome=BillLine.Outcome.OURS, decision="").delete()
    run(_AS_READ, {"bill": bill.pk})


def match(bill: VendorBill, columns: Columns) -> None:
    """Give each line its outcome, and add our calls without a line.

    Call it in a transaction. Leaves the table `bill_calls`, until `forget_calls`.
    """
    by_day, (begins, ends) = columns.of == PER_DAY, bill.period
    facts: dict[str, Any] = {
        "bill": bill.pk,
        "prefix": key_of(bill.channel_id, ""),
        "by_day": by_day,
        "by_number": bool(columns.number),
        "word": _WORD_IS,
        "begins": begins,
        "ends": ends,
    }
    _look_up_calls(bill)
    _name_models(bill, by_day=by_day)
    run(_KEYS, facts)
    if by_day:
        run(_DAYS, facts)
    else:
        _pair(facts)
    run(_TAKEN_BEFORE, {**facts, "among": ["", "theirs"]})
    run(_OUTCOMES, facts)
    run(_DAYS_ALONE if by_day else _OURS_ALONE, facts)
    run(_TAKEN_BEFORE, {**facts, "among": ["ours"]})
    run(_NOTHING_LEFT, facts)
    bill.sums = sums_of(bill)


def key_of(channel_id: int, own: str) -> str:
    """The key of a line with this request id, or of a call of ours without a line."""
    short = own if len(own) <= LONGEST_OWN else sha256(own.encode()).hexdigest()
    return f"channel {channel_id}: {short}"


def again_of(key: str, nth: int, same_row: str) -> str:
    """The key of a line that repeats the one with this key for the nth time."""
    return f"{key} again {nth} {same_row}"


def forget_calls() -> None:
    """Drop the table that `match` made."""
    run("DROP TABLE IF EXISTS bill_calls")


def sums_of(bill: VendorBill) -> dict[str, list[int]]:
    """By outcome: the number of lines, the vendor's sum and ours, in micros."""
    rows = bill.lines.exclude(outcome=BillLine.Outcome.PART).order_by().values_list("outcome")
    sums = rows.annotate(Count("id"), Sum("theirs_micros"), Sum("ours_micros"))
    return {outcome: figures for outcome, *figures in sums}


def ours_of_day(channel_id: int, model: str, day: datetime) -> Micros:
    """Our present booking for calls that ended on a UTC day, of models that begin with a word."""
    sql, facts = _calls_query(_OF_DAY, channel_id, day, day + timedelta(days=1))
    return Micros(first_row(sql, {**facts, "word": _WORD_IS, "model": model, "day": day.date()})[0])


def _calls_query(
    sql: str, channel_id: int, begins: datetime, ends: datetime
) -> tuple[str, dict[str, Any]]:
    first, last = begins - _AROUND, ends + _AROUND
    span = Span(ids.first_at(first))
    whole = sql.format(
        unknown=COST_UNKNOWN.format("a"), corrections=corrections_of(span), span=span.of("a.id")
    )
    return whole, {"channel": channel_id, "first": first, "last": last}


def _look_up_calls(bill: VendorBill) -> None:
    forget_calls()
    run(*_calls_query(_LOOK_UP, bill.channel_id, *bill.period))
    run("ANALYZE bill_calls")


def _name_models(bill: VendorBill, *, by_day: bool) -> None:
    routes = Route.objects.filter(channel_id=bill.channel_id)
    known = set(routes.values_list("upstream_model", flat=True))
    if by_day:
        run(_WORDS, {"bill": bill.pk, "models": list(known), "word": _WORD_IS})
        return
    known |= set(first_column("SELECT DISTINCT model FROM bill_calls"))
    items = list(
        bill.lines.filter(number__gt=0).order_by().values_list("item", flat=True).distinct()
    )
    models = [model_of(item, known) for item in items]
    run(_MODELS, {"bill": bill.pk, "items": items, "models": models})


def _pair(facts: dict[str, Any]) -> None:
    """Pair by id first. A line with an unknown id is paired only with calls without an id.

    A line that was taken stays with its call or without one; a picked call stays, too.
    """
    run(_KEPT, facts)
    run(_BY_ID, facts)
    for bare in (True, False):
        for statement in (_EQUAL, _ONLY_ONES):
            for moment in ("c.finished_at", "c.started_at"):
                sql = statement.replace("{minute}", _MINUTE.format(moment))
                run(sql, {**facts, "bare": bare})
    run(_CANDIDATES, facts)
    run(_PAIRED, facts)


def period_of(first: datetime, last: datetime, *, now: datetime) -> tuple[datetime, datetime]:
    """Whole UTC days from the first line's to the last one's, but not beyond now."""
    begins = first.replace(hour=0, minute=0, second=0, microsecond=0)
    day_after = last.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return begins, max(last, min(day_after, now))
