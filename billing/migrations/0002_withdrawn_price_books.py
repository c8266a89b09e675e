"""Scheduled price books can be withdrawn, by a row of their own, until they begin."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

WITHDRAWALS = """
CREATE FUNCTION pictor_withdrawn_before_it_begins() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    book billing_pricebook;
BEGIN
    -- Whoever is about to charge by a book that has just begun locks it too: one waits for the other.
    SELECT * INTO book FROM billing_pricebook WHERE id = NEW.book_id FOR NO KEY UPDATE;
    NEW.withdrawn_at := clock_timestamp();
    IF book.published_at IS NULL THEN
        RAISE EXCEPTION 'price book % is a draft: discard it', NEW.book_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF book.effective_from <= NEW.withdrawn_at THEN
        RAISE EXCEPTION 'price book % has begun: publish another one', NEW.book_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER withdrawn_before_it_begins BEFORE INSERT ON billing_pricebookwithdrawal
    FOR EACH ROW EXECUTE FUNCTION pictor_withdrawn_before_it_begins();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_pricebookwithdrawal
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_append_only();
CREATE TRIGGER bump_revision AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON billing_pricebookwithdrawal
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_bump_revision();

ALTER TABLE billing_pricebookwithdrawal ENABLE ALWAYS TRIGGER append_only;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_squashed_0013_holds_in_the_database")]

    operations = [
        migrations.CreateModel(
            name="PriceBookWithdrawal",
            fields=[
                (
                    "book",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="withdrawal",
                        serialize=False,
                        to="billing.pricebook",
                    ),
                ),
                (
                    "withdrawn_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
            ],
        ),
        migrations.RunSQL(WITHDRAWALS),
    ]
