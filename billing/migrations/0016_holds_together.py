"""Holds are placed and ended together; the functions for single ones stay as they are."""

from pathlib import Path

from django.db import migrations

TOGETHER = Path(__file__).parents[1] / "services/holds_together.sql"
SINGLE = """
DROP FUNCTION pictor_place_holds_v1(text, jsonb, integer[]);
DROP FUNCTION pictor_end_holds_v1(jsonb, uuid[]);
DROP FUNCTION pictor_keep_balance_v1(
    billing_tenantbalance, billing_keybudget[], billing_transfer[]);
DROP FUNCTION pictor_next_transfer_v1(
    billing_tenantbalance, text, bigint, bigint, bigint, uuid, timestamptz, bytea, text, bytea);
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0015_moves_booked_alone")]

    operations = [migrations.RunSQL(TOGETHER.read_text(), SINGLE)]
