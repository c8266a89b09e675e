-- Holds of several requests, placed or ended in one call: each is decided as if it came alone, those
-- of a tenant in the order of their numbers `n`, against what the ones before it left.
--
-- Locks balances in the order of their tenants, and each key's budget after its tenant's balance. As
-- in holds.sql, a released function never changes.

-- Returns a tenant's next transfer, sealed, from its balance: the amounts are already the new ones,
-- the seals and the number the old ones. `p_sealed` is the end of the sealed text: the caller's
-- values, from the generation on.
CREATE FUNCTION pictor_next_transfer_v1(
    p_balance billing_tenantbalance, p_kind text, p_debit bigint, p_credit bigint, p_amount bigint,
    p_generation uuid, p_at timestamptz, p_evidence bytea, p_sealed text, p_key bytea
) RETURNS billing_transfer LANGUAGE plpgsql AS $$
DECLARE
    made billing_transfer;
BEGIN
    made.kind := p_kind;
    made.debit_id := p_debit;
    made.credit_id := p_credit;
    made.amount := p_amount;
    made.tenant_id := p_balance.tenant_id;
    made.seq := p_balance.seq + 1;
    made.available_after := p_balance.available;
    made.held_after := p_balance.held;
    made.generation_id := p_generation;
    made.created_at := p_at;
    made.evidence := p_evidence;
    -- As billing/seals.py seals it.
    made.seal := sha256(p_key || sha256(p_balance.seal || convert_to(concat_ws('|',
        p_kind, p_debit, p_credit, p_amount, p_balance.tenant_id, made.seq, p_balance.available,
        p_balance.held, p_sealed
    ), 'UTF8')));
    RETURN made;
END
$$;

-- Writes a locked balance, budgets of its keys, and its new transfers, of which the last one has its
-- number and seal.
CREATE FUNCTION pictor_keep_balance_v1(
    p_balance billing_tenantbalance, p_budgets billing_keybudget[], p_transfers billing_transfer[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE billing_tenantbalance
       SET available = p_balance.available, held = p_balance.held, seq = p_balance.seq,
           seal = p_balance.seal, previous_seal = p_balance.previous_seal,
           in_flight = p_balance.in_flight, day = p_balance.day, month = p_balance.month,
           day_used_micros = p_balance.day_used_micros,
           month_used_micros = p_balance.month_used_micros
     WHERE tenant_id = p_balance.tenant_id;
    INSERT INTO billing_keybudget
           (key_id, in_flight, day, day_used_micros, month, month_used_micros)
    SELECT key_id, in_flight, day, day_used_micros, month, month_used_micros
      FROM unnest(p_budgets)
    ON CONFLICT (key_id) DO UPDATE
       SET in_flight = EXCLUDED.in_flight,
           day = EXCLUDED.day, day_used_micros = EXCLUDED.day_used_micros,
           month = EXCLUDED.month, month_used_micros = EXCLUDED.month_used_micros;
    INSERT INTO billing_transfer (kind, debit_id, credit_id, amount, tenant_id, seq,
                                  available_after, held_after, generation_id, reason,
                                  created_at, evidence, seal)
    SELECT kind, debit_id, credit_id, amount, tenant_id, seq, available_after, held_after,
           generation_id, '', created_at, evidence, seal
      FROM unnest(p_transfers);
END
$$;

-- Moves amounts from available to held, and counts requests in flight, of tenant and key: of the
-- holds in `p_allowed`. A limit that refuses one comes back as `refused_by`, with the `missing`
-- amount; nothing is written for it. From here the transaction waits at most `p_lock_timeout` for a
-- lock, if given. The second version, made of this one by migration 0022, first refuses all holds but
-- those of 0 to tenants that owe money, by 'owed'.
CREATE FUNCTION pictor_place_holds_v1(
    p_lock_timeout text, p_holds jsonb, p_allowed integer[],
    OUT n integer, OUT generation_id uuid, OUT refused_by text, OUT missing bigint
) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
    h record;
    latest billing_tenantbalance;
    balance billing_tenantbalance;
    budget billing_keybudget;
    keys uuid[] := '{}';
    budgets billing_keybudget[] := '{}';
    place integer;
    made billing_transfer;
    transfers billing_transfer[] := '{}';
BEGIN
    IF p_lock_timeout IS NOT NULL THEN
        PERFORM set_config('lock_timeout', p_lock_timeout, true);
    END IF;
    FOR h IN
        SELECT * FROM jsonb_to_recordset(p_holds) AS given (
            n integer, p_tenant uuid, p_key uuid, p_generation uuid, p_amount bigint,
            p_day date, p_month date,
            p_tenant_in_flight integer, p_tenant_day bigint, p_tenant_month bigint,
            p_key_in_flight integer, p_key_day bigint, p_key_month bigint,
            p_at timestamptz, p_evidence bytea, p_sealed text, p_seal_key bytea
        ) WHERE given.n = ANY (p_allowed) ORDER BY given.p_tenant, given.n
    LOOP
        IF latest.tenant_id IS DISTINCT FROM h.p_tenant THEN
            IF keys <> '{}' THEN
                PERFORM pictor_keep_balance_v1(latest, budgets, transfers);
            END IF;
            keys := '{}';
            budgets := '{}';
            transfers := '{}';
            SELECT * INTO latest FROM billing_tenantbalance
             WHERE tenant_id = h.p_tenant FOR NO KEY UPDATE;
            latest.tenant_id := h.p_tenant;
        END IF;
        balance := latest;
        place := coalesce(array_position(keys, h.p_key), cardinality(keys) + 1);
        IF place > cardinality(keys) THEN
            SELECT * INTO budget FROM billing_keybudget WHERE key_id = h.p_key FOR NO KEY UPDATE;
        ELSE
            budget := budgets[place];
        END IF;
        -- A window that is over counts nothing; one that is later than ours, by a clock that runs
        -- ahead, goes on.
        IF balance.day >= h.p_day IS NOT TRUE THEN
            balance.day := h.p_day; balance.day_used_micros := 0;
        END IF;
        IF balance.month >= h.p_month IS NOT TRUE THEN
            balance.month := h.p_month; balance.month_used_micros := 0;
        END IF;
        IF budget.day >= h.p_day IS NOT TRUE THEN
            budget.day := h.p_day; budget.day_used_micros := 0;
        END IF;
        IF budget.month >= h.p_month IS NOT TRUE THEN
            budget.month := h.p_month; budget.month_used_micros := 0;
        END IF;

        n := h.n;
        generation_id := h.p_generation;
        missing := NULL;
        refused_by := CASE
            WHEN balance.in_flight >= h.p_tenant_in_flight THEN 'tenant_in_flight'
            WHEN balance.available >= h.p_amount IS NOT TRUE THEN 'balance'
            WHEN balance.day_used_micros + h.p_amount > h.p_tenant_day THEN 'tenant_day'
            WHEN balance.month_used_micros + h.p_amount > h.p_tenant_month THEN 'tenant_month'
            WHEN coalesce(budget.in_flight, 0) >= h.p_key_in_flight THEN 'key_in_flight'
            WHEN budget.day_used_micros + h.p_amount > h.p_key_day THEN 'key_day'
            WHEN budget.month_used_micros + h.p_amount > h.p_key_month THEN 'key_month'
        END;
        IF refused_by IS NOT NULL THEN
            missing := h.p_amount - CASE refused_by
                WHEN 'balance' THEN coalesce(balance.available, 0)
                WHEN 'tenant_day' THEN h.p_tenant_day - balance.day_used_micros
                WHEN 'tenant_month' THEN h.p_tenant_month - balance.month_used_micros
                WHEN 'key_day' THEN h.p_key_day - budget.day_used_micros
                WHEN 'key_month' THEN h.p_key_month - budget.month_used_micros
            END;
            RETURN NEXT;
            CONTINUE;
        END IF;

        balance.available := balance.available - h.p_amount;
        balance.held := balance.held + h.p_amount;
        balance.in_flight := balance.in_flight + 1;
        balance.day_used_micros :=
            balance.day_used_micros + h.p_amount * (balance.day = h.p_day)::int;
        balance.month_used_micros :=
            balance.month_used_micros + h.p_amount * (balance.month = h.p_month)::int;
        budget.key_id := h.p_key;
        budget.in_flight := coalesce(budget.in_flight, 0) + 1;
        budget.day_used_micros := budget.day_used_micros + h.p_amount * (budget.day = h.p_day)::int;
        budget.month_used_micros :=
            budget.month_used_micros + h.p_amount * (budget.month = h.p_month)::int;
        IF h.p_amount > 0 THEN
            made := pictor_next_transfer_v1(
                balance, 'hold', balance.available_account_id, balance.held_account_id,
                h.p_amount, h.p_generation, h.p_at, h.p_evidence, h.p_sealed, h.p_seal_key);
            balance.previous_seal := balance.seal;
            balance.seq := made.seq;
            balance.seal := made.seal;
            transfers := transfers || made;
        END IF;
        latest := balance;
        keys[place] := h.p_key;
        budgets[place] := budget;
        RETURN NEXT;
    END LOOP;
    IF keys <> '{}' THEN
        PERFORM pictor_keep_balance_v1(latest, budgets, transfers);
    END IF;
END
$$;

-- Ends the holds of the generations in `p_allowed`, and returns these: captures `p_captured` of each
-- held amount and makes the rest available. Raises, and ends none, if one of them is not open.
CREATE FUNCTION pictor_end_holds_v1(p_holds jsonb, p_allowed uuid[])
RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
    h record;
    balance billing_tenantbalance;
    budget billing_keybudget;
    keys uuid[] := '{}';
    budgets billing_keybudget[] := '{}';
    place integer;
    released bigint;
    made billing_transfer;
    transfers billing_transfer[] := '{}';
BEGIN
    FOR h IN
        SELECT * FROM jsonb_to_recordset(p_holds) AS given (
            n integer, p_tenant uuid, p_key uuid, p_generation uuid, p_amount bigint,
            p_captured bigint, p_revenue bigint, p_day date, p_month date,
            p_at timestamptz, p_evidence bytea, p_sealed text,
            p_capture_key bytea, p_release_key bytea
        ) WHERE given.p_generation = ANY (p_allowed) ORDER BY given.p_tenant, given.n
    LOOP
        IF balance.tenant_id IS DISTINCT FROM h.p_tenant THEN
            IF keys <> '{}' THEN
                PERFORM pictor_keep_balance_v1(balance, budgets, transfers);
            END IF;
            keys := '{}';
            budgets := '{}';
            transfers := '{}';
            SELECT * INTO balance FROM billing_tenantbalance
             WHERE tenant_id = h.p_tenant FOR NO KEY UPDATE;
        END IF;
        place := coalesce(array_position(keys, h.p_key), cardinality(keys) + 1);
        IF place > cardinality(keys) THEN
            SELECT * INTO budget FROM billing_keybudget WHERE key_id = h.p_key FOR NO KEY UPDATE;
        ELSE
            budget := budgets[place];
        END IF;
        IF budget.key_id IS NULL OR h.p_amount > 0 AND (
            NOT EXISTS (SELECT FROM billing_transfer
                         WHERE generation_id = h.p_generation AND kind = 'hold'
                           AND tenant_id = h.p_tenant AND amount = h.p_amount)
            OR EXISTS (SELECT FROM billing_transfer
                        WHERE generation_id = h.p_generation AND kind IN ('capture', 'release'))
        ) THEN
            RAISE 'no open hold of % for %', h.p_amount, h.p_generation
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;

        released := h.p_amount - h.p_captured;
        balance.in_flight := balance.in_flight - 1;
        -- Given back to the windows in which it was counted, if they go on.
        balance.day_used_micros :=
            balance.day_used_micros - released * (balance.day IS NOT DISTINCT FROM h.p_day)::int;
        balance.month_used_micros :=
            balance.month_used_micros
            - released * (balance.month IS NOT DISTINCT FROM h.p_month)::int;
        budget.in_flight := budget.in_flight - 1;
        budget.day_used_micros := budget.day_used_micros - released * (budget.day = h.p_day)::int;
        budget.month_used_micros :=
            budget.month_used_micros - released * (budget.month = h.p_month)::int;
        balance.held := balance.held - h.p_captured;
        IF h.p_captured > 0 THEN
            made := pictor_next_transfer_v1(
                balance, 'capture', balance.held_account_id, h.p_revenue, h.p_captured,
                h.p_generation, h.p_at, h.p_evidence, h.p_sealed, h.p_capture_key);
            balance.previous_seal := balance.seal;
            balance.seq := made.seq;
            balance.seal := made.seal;
            transfers := transfers || made;
        END IF;
        balance.held := balance.held - released;
        balance.available := balance.available + released;
        IF released > 0 THEN
            made := pictor_next_transfer_v1(
                balance, 'release', balance.held_account_id, balance.available_account_id,
                released, h.p_generation, h.p_at, h.p_evidence, h.p_sealed, h.p_release_key);
            balance.previous_seal := balance.seal;
            balance.seq := made.seq;
            balance.seal := made.seal;
            transfers := transfers || made;
        END IF;
        keys[place] := h.p_key;
        budgets[place] := budget;
        RETURN NEXT h.p_generation;
    END LOOP;
    IF keys <> '{}' THEN
        PERFORM pictor_keep_balance_v1(balance, budgets, transfers);
    END IF;
END
$$;
