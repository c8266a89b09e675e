"""The failures of the hours before are counted once, in one read of all generations."""

from typing import Any

from django.db import migrations

# The trigger's rows and the generations are seen at one moment, so what it counts meanwhile is
# added to what was lacking at that moment.
_FILL = """
INSERT INTO billing_failurerollup AS f (tenant_id, key_id, model, tier, code, hour, generations)
SELECT tenant_id, key_id, model, tier, code, hour, failed - COALESCE(s.generations, 0)
  FROM (SELECT tenant_id, api_key_id AS key_id, model, tier, COALESCE(error ->> 'code', '') AS code,
               date_trunc('hour', finished_at, 'UTC') AS hour, COUNT(*) AS failed
          FROM generation_generation WHERE state = 'failed' AND livemode
         GROUP BY 1, 2, 3, 4, 5, 6) AS fact
  LEFT JOIN billing_failurerollup AS s USING (tenant_id, key_id, model, tier, code, hour)
 WHERE failed > COALESCE(s.generations, 0)
ON CONFLICT (tenant_id, hour, key_id, model, tier, code)
DO UPDATE SET generations = f.generations + EXCLUDED.generations
"""


def fill(apps: Any, schema_editor: Any) -> None:
    """Count those that the trigger did not see; safe to repeat."""
    del apps
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_FILL)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("generation", "0047_failures_counted")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
