"""A published price book and its prices are final; every change of prices bumps the revision."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION pictor_published_book_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'price book % is published and final: publish a new version instead', OLD.id
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE FUNCTION pictor_published_price_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    published bigint;
BEGIN
    -- Locks the books, so that a price cannot slip in while its book is being published.
    SELECT b.id INTO published FROM (
        SELECT id, published_at FROM billing_pricebook
         WHERE id IN (NEW.book_id, OLD.book_id) ORDER BY id FOR SHARE
    ) b WHERE b.published_at IS NOT NULL LIMIT 1;
    IF published IS NOT NULL THEN
        RAISE EXCEPTION 'price book % is published and final: publish a new version instead',
            published USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN COALESCE(NEW, OLD);
END
$$;

CREATE TRIGGER final_once_published BEFORE UPDATE OR DELETE ON billing_pricebook
    FOR EACH ROW WHEN (OLD.published_at IS NOT NULL)
    EXECUTE FUNCTION pictor_published_book_is_final();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON billing_pricebook
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_append_only();
CREATE TRIGGER bump_revision AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON billing_pricebook
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_bump_revision();

CREATE TRIGGER final_once_published BEFORE INSERT OR UPDATE OR DELETE ON billing_price
    FOR EACH ROW EXECUTE FUNCTION pictor_published_price_is_final();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON billing_price
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_append_only();
CREATE TRIGGER bump_revision AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON billing_price
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_bump_revision();

ALTER TABLE billing_pricebook ENABLE ALWAYS TRIGGER final_once_published;
ALTER TABLE billing_price ENABLE ALWAYS TRIGGER final_once_published;
"""

BACKWARDS = """
DROP TRIGGER bump_revision ON billing_price;
DROP TRIGGER no_truncate ON billing_price;
DROP TRIGGER final_once_published ON billing_price;
DROP TRIGGER bump_revision ON billing_pricebook;
DROP TRIGGER no_truncate ON billing_pricebook;
DROP TRIGGER final_once_published ON billing_pricebook;
DROP FUNCTION pictor_published_price_is_final();
DROP FUNCTION pictor_published_book_is_final();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0003_append_only_ledger"),
        ("accounts", "0003_append_only"),
    ]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
