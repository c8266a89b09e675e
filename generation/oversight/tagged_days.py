"""Usage by tag: generations whose holds ended are counted a minute later, behind the sales."""

import time

from django.db import transaction

from billing.selectors.office.sold import ends_among, sold_position
from generation.models import TaggedUntil
from generation.models.traffic import MAX_TAG_CHARS, MAX_TAGS
from pictor.kit.database.cursors import run
from pictor.kit.database.spans import Span
from storage.selectors import STORED_IMAGES

TRANSFERS_AT_ONCE = 2_000
LONGEST_SECONDS = 20.0
"""The rest is left to the next minute's run."""
# A tag whose day is full counts as "further" from then on, even if a row becomes free, so that a
# tag with a row has all of its generations there.
_COUNT = """
WITH ended AS (
    SELECT g.tenant_id, (g.finished_at AT TIME ZONE 'UTC')::date AS day, g.state,
           CASE WHEN g.words_forgotten_at IS NOT NULL THEN 'erased' WHEN t.tag = '' THEN 'none'
                ELSE 'tag' END AS part,
           CASE WHEN g.words_forgotten_at IS NULL THEN t.tag ELSE '' END AS tag,
           (SELECT COUNT(*) FROM {images} AS i WHERE i.generation_id = g.id) AS images,
           g.captured_micros
      FROM {ends} AS e JOIN generation_generation AS g ON g.id = e.generation_id,
           LATERAL (SELECT left(COALESCE(NULLIF(g.fields ->> 'user', ''),
                                         g.fields ->> 'safety_identifier', ''), {chars})) AS t (tag)
), summed AS (
    SELECT tenant_id, day, part, tag, COUNT(*) AS generations,
           COUNT(*) FILTER (WHERE state = 'failed') AS failed, SUM(images) AS images,
           SUM(captured_micros) AS captured_micros
      FROM ended GROUP BY 1, 2, 3, 4
), ranked AS (
    SELECT s.*, d.id IS NOT NULL AS is_there,
           row_number() OVER (PARTITION BY s.tenant_id, s.day, s.part, d.id IS NULL
                              ORDER BY s.tag) AS place
      FROM summed AS s LEFT JOIN generation_taggedday AS d USING (tenant_id, day, part, tag)
), placed AS (
    SELECT r.*, r.part = 'tag' AND NOT r.is_there AND (k.is_full OR k.tags + r.place > {most})
               AS is_further
      FROM ranked AS r,
           LATERAL (SELECT COUNT(*) FILTER (WHERE part = 'tag') AS tags,
                           COALESCE(bool_or(part = 'further'), false) AS is_full
                      FROM generation_taggedday
                     WHERE tenant_id = r.tenant_id AND day = r.day) AS k
)
INSERT INTO generation_taggedday AS d
       (tenant_id, day, part, tag, generations, failed, images, captured_micros)
SELECT tenant_id, day, CASE WHEN is_further THEN 'further' ELSE part END,
       CASE WHEN is_further THEN '' ELSE tag END,
       SUM(generations), SUM(failed), SUM(images), SUM(captured_micros)
  FROM placed GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
ON CONFLICT (tenant_id, day, part, tag) DO UPDATE
   SET generations = d.generations + EXCLUDED.generations, failed = d.failed + EXCLUDED.failed,
       images = d.images + EXCLUDED.images,
       captured_micros = d.captured_micros + EXCLUDED.captured_micros
"""


def count_tagged() -> None:
    """Count what ended up to where sales are counted. Safe beside another process.

    After a standstill it takes several runs to catch up.
    """
    end = time.monotonic() + LONGEST_SECONDS
    while _count_next() and time.monotonic() < end:
        pass


@transaction.atomic
def _count_next() -> bool:
    """Count the next generations, each once; return whether there are more."""
    sold = sold_position()
    if sold is None or sold.transfer_id is None:
        return False
    TaggedUntil.objects.get_or_create(pk=1)  # so that there is a row to lock
    # Not waited for: another worker counts them, or a customer's words are being forgotten.
    done = TaggedUntil.objects.select_for_update(skip_locked=True).first()
    if done is None:
        return False
    to = min(sold.transfer_id, done.transfer_id + TRANSFERS_AT_ONCE)
    ends = ends_among(Span(done.transfer_id + 1, to + 1))
    run(_COUNT.format(ends=ends, images=STORED_IMAGES, chars=MAX_TAG_CHARS, most=MAX_TAGS))
    is_all = to >= sold.transfer_id
    done.transfer_id, done.until = to, sold.until if is_all else done.until
    done.save()
    return not is_all
