"""Keys of bills' lines without our models' names: made only of the vendor's words.

Lines with a request id keep their keys, unless it is long or they repeat another line. Safe to
repeat.
"""

from django.db import migrations

KEYS = r"""
WITH timed AS (
    SELECT l.*, b.channel_id, b.mapping ->> 'of' = 'days' AS by_day,
           l.at AT TIME ZONE 'UTC' AS utc,
           substring(l.key from ' again (\d+)(?: [0-9a-f]{16})?$') AS nth
      FROM generation_billline AS l JOIN generation_vendorbill AS b ON b.id = l.bill_id
), said AS (
    SELECT *, CASE
        WHEN request_id <> '' THEN request_id
        WHEN by_day THEN to_char(utc, 'YYYY-MM-DD, ') || COALESCE(lower(substring(
            btrim(CASE WHEN number = 0 THEN model ELSE item END)
            from '^(.+?)(?:$|[\s,:;|(@]|-\d{4}-\d{2}-\d{2}(?![\d-]))')), '')
        ELSE concat_ws(', ', to_char(utc, 'YYYY-MM-DD HH24:MI'), item, micros)
             || ' #' || row_number() OVER (
                 PARTITION BY bill_id, request_id, date_trunc('minute', utc), item, micros
                 ORDER BY number)
        END AS own
      FROM timed WHERE number > 0 OR by_day
)
UPDATE generation_billline AS l
   SET key = 'channel ' || channel_id || ': '
             || CASE WHEN length(own) <= 120 THEN own
                     ELSE encode(sha256(convert_to(own, 'UTF8')), 'hex') END
             || CASE WHEN nth IS NULL THEN '' ELSE concat(' again ', nth, ' ', said.same_row) END
  FROM said WHERE said.id = l.id AND (said.request_id = '' OR nth IS NOT NULL OR length(own) > 120)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("generation", "0043_alerts"),
    ]

    operations = [
        migrations.RunSQL(KEYS, migrations.RunSQL.noop),
    ]
