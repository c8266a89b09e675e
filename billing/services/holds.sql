-- Holds in the database: what holds.py promises, each in one call.
--
-- A released function never changes: its next version gets the next number, so that processes
-- from before a migration still find theirs until they are restarted.

-- Inserts a tenant's next transfer and returns the balance, which the caller writes. The balance
-- is locked; its amounts are already the new ones, its seals and its number the old ones.
-- `p_sealed` is the end of the sealed text: the caller's values, from the generation on.
CREATE OR REPLACE FUNCTION pictor_transfer_v1(
    balance billing_tenantbalance, p_kind text, p_debit bigint, p_credit bigint, p_amount bigint,
    p_generation uuid, p_at timestamptz, p_evidence bytea, p_sealed text, p_key bytea
) RETURNS billing_tenantbalance LANGUAGE plpgsql AS $$
BEGIN
    balance.seq := balance.seq + 1;
    balance.previous_seal := balance.seal;
    -- As billing/seals.py seals it.
    balance.seal := sha256(p_key || sha256(balance.previous_seal || convert_to(concat_ws('|',
        p_kind, p_debit, p_credit, p_amount, balance.tenant_id, balance.seq, balance.available,
        balance.held, p_sealed
    ), 'UTF8')));
    INSERT INTO billing_transfer (kind, debit_id, credit_id, amount, tenant_id, seq,
                                  available_after, held_after, generation_id, reason,
                                  created_at, evidence, seal)
    VALUES (p_kind, p_debit, p_credit, p_amount, balance.tenant_id, balance.seq,
            balance.available, balance.held, p_generation, '', p_at, p_evidence, balance.seal);
    RETURN balance;
END
$$;

-- Moves an amount from available to held, and counts one request in flight, of tenant and key.
-- A limit that refuses it comes back as `refused_by`, with the `missing` amount; nothing is written
-- then. Locks the balance, then the key's budget, until the transaction ends.
CREATE OR REPLACE FUNCTION pictor_place_hold_v1(
    p_tenant uuid, p_key uuid, p_generation uuid, p_amount bigint, p_day date, p_month date,
    p_tenant_in_flight integer, p_tenant_day bigint, p_tenant_month bigint,
    p_key_in_flight integer, p_key_day bigint, p_key_month bigint,
    p_at timestamptz, p_evidence bytea, p_sealed text, p_seal_key bytea,
    OUT refused_by text, OUT missing bigint
) LANGUAGE plpgsql AS $$
DECLARE
    balance billing_tenantbalance;
    budget billing_keybudget;
BEGIN
    SELECT * INTO balance FROM billing_tenantbalance WHERE tenant_id = p_tenant FOR NO KEY UPDATE;
    SELECT * INTO budget FROM billing_keybudget WHERE key_id = p_key FOR NO KEY UPDATE;
    -- A window that is over counts nothing; one that is later than ours, by a clock that runs
    -- ahead, goes on.
    IF balance.day >= p_day IS NOT TRUE THEN
        balance.day := p_day; balance.day_used_micros := 0;
    END IF;
    IF balance.month >= p_month IS NOT TRUE THEN
        balance.month := p_month; balance.month_used_micros := 0;
    END IF;
    IF budget.day >= p_day IS NOT TRUE THEN
        budget.day := p_day; budget.day_used_micros := 0;
    END IF;
    IF budget.month >= p_month IS NOT TRUE THEN
        budget.month := p_month; budget.month_used_micros := 0;
    END IF;

    refused_by := CASE
        WHEN balance.in_flight >= p_tenant_in_flight THEN 'tenant_in_flight'
        WHEN balance.available >= p_amount IS NOT TRUE THEN 'balance'
        WHEN balance.day_used_micros + p_amount > p_tenant_day THEN 'tenant_day'
        WHEN balance.month_used_micros + p_amount > p_tenant_month THEN 'tenant_month'
        WHEN coalesce(budget.in_flight, 0) >= p_key_in_flight THEN 'key_in_flight'
        WHEN budget.day_used_micros + p_amount > p_key_day THEN 'key_day'
        WHEN budget.month_used_micros + p_amount > p_key_month THEN 'key_month'
    END;
    IF refused_by IS NOT NULL THEN
        missing := p_amount - CASE refused_by
            WHEN 'balance' THEN coalesce(balance.available, 0)
            WHEN 'tenant_day' THEN p_tenant_day - balance.day_used_micros
            WHEN 'tenant_month' THEN p_tenant_month - balance.month_used_micros
            WHEN 'key_day' THEN p_key_day - budget.day_used_micros
            WHEN 'key_month' THEN p_key_month - budget.month_used_micros
        END;
        RETURN;
    END IF;

    balance.available := balance.available - p_amount;
    balance.held := balance.held + p_amount;
    IF p_amount > 0 THEN
        balance := pictor_transfer_v1(
            balance, 'hold', balance.available_account_id, balance.held_account_id, p_amount,
            p_generation, p_at, p_evidence, p_sealed, p_seal_key);
    END IF;
    UPDATE billing_tenantbalance
       SET available = balance.available, held = balance.held, seq = balance.seq,
           seal = balance.seal, previous_seal = balance.previous_seal, in_flight = in_flight + 1,
           day = balance.day, month = balance.month,
           day_used_micros = balance.day_used_micros + p_amount * (balance.day = p_day)::int,
           month_used_micros = balance.month_used_micros + p_amount * (balance.month = p_month)::int
     WHERE tenant_id = p_tenant;
    INSERT INTO billing_keybudget AS b
           (key_id, in_flight, day, day_used_micros, month, month_used_micros)
    VALUES (p_key, 1,
            budget.day, budget.day_used_micros + p_amount * (budget.day = p_day)::int,
            budget.month, budget.month_used_micros + p_amount * (budget.month = p_month)::int)
    ON CONFLICT (key_id) DO UPDATE
       SET in_flight = b.in_flight + 1,
           day = EXCLUDED.day, day_used_micros = EXCLUDED.day_used_micros,
           month = EXCLUDED.month, month_used_micros = EXCLUDED.month_used_micros;
END
$$;

-- Ends a hold: captures `p_captured` of the held amount and makes the rest available. Raises if
-- there is no such hold or it has ended. Takes the same locks as placing.
CREATE OR REPLACE FUNCTION pictor_end_hold_v1(
    p_tenant uuid, p_key uuid, p_generation uuid, p_amount bigint, p_captured bigint,
    p_revenue bigint, p_day date, p_month date,
    p_at timestamptz, p_evidence bytea, p_sealed text, p_capture_key bytea, p_release_key bytea
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    balance billing_tenantbalance;
    released bigint := p_amount - p_captured;
BEGIN
    SELECT * INTO balance FROM billing_tenantbalance WHERE tenant_id = p_tenant FOR NO KEY UPDATE;
    IF p_amount > 0 AND (
        NOT EXISTS (SELECT FROM billing_transfer
                     WHERE generation_id = p_generation AND kind = 'hold'
                       AND tenant_id = p_tenant AND amount = p_amount)
        OR EXISTS (SELECT FROM billing_transfer
                    WHERE generation_id = p_generation AND kind IN ('capture', 'release'))
    ) THEN
        RAISE 'no open hold of % for %', p_amount, p_generation
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    UPDATE billing_keybudget
       SET in_flight = in_flight - 1,
           day_used_micros = day_used_micros - released * (day = p_day)::int,
           month_used_micros = month_used_micros - released * (month = p_month)::int
     WHERE key_id = p_key;
    IF NOT FOUND THEN
        RAISE 'no open hold of % for %', p_amount, p_generation
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    balance.held := balance.held - p_captured;
    IF p_captured > 0 THEN
        balance := pictor_transfer_v1(
            balance, 'capture', balance.held_account_id, p_revenue, p_captured,
            p_generation, p_at, p_evidence, p_sealed, p_capture_key);
    END IF;
    balance.held := balance.held - released;
    balance.available := balance.available + released;
    IF released > 0 THEN
        balance := pictor_transfer_v1(
            balance, 'release', balance.held_account_id, balance.available_account_id, released,
            p_generation, p_at, p_evidence, p_sealed, p_release_key);
    END IF;
    UPDATE billing_tenantbalance
       SET available = balance.available, held = balance.held, seq = balance.seq,
           seal = balance.seal, previous_seal = balance.previous_seal, in_flight = in_flight - 1,
           day_used_micros = day_used_micros - released * (day IS NOT DISTINCT FROM p_day)::int,
           month_used_micros =
               month_used_micros - released * (month IS NOT DISTINCT FROM p_month)::int
     WHERE tenant_id = p_tenant;
END
$$;
