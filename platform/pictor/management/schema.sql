SET LOCAL statement_timeout = 0;
SET LOCAL lock_timeout = 0;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', true);
SET LOCAL check_function_bodies = false;
SET LOCAL xmloption = content;
SET LOCAL client_min_messages = warning;
SET LOCAL row_security = off;

CREATE FUNCTION public.pictor_append_only() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND current_database() LIKE 'test\_%'
       AND current_setting('pictor.keep_ledger', true) IS DISTINCT FROM 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused. Correct a mistake with a new row.',
        TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$;


CREATE FUNCTION public.pictor_bump_revision() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO accounts_configrevision (id, revision)
    VALUES (1, nextval('accounts_config_revision'))
    ON CONFLICT (id) DO UPDATE SET revision = nextval('accounts_config_revision');
    RETURN NULL;
END
$$;


CREATE FUNCTION public.pictor_count_failure_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO billing_failurerollup AS f (tenant_id, key_id, model, tier, code, hour, generations)
    VALUES (NEW.tenant_id, NEW.api_key_id, NEW.model, NEW.tier,
            COALESCE(NEW.error ->> 'code', ''), date_trunc('hour', NEW.finished_at, 'UTC'), 1)
    ON CONFLICT (tenant_id, hour, key_id, model, tier, code)
    DO UPDATE SET generations = f.generations + 1;
    RETURN NULL;
END
$$;


CREATE FUNCTION public.pictor_counts_v1(latency jsonb) RETURNS TABLE(bucket text, count bigint)
    LANGUAGE sql IMMUTABLE
    AS $_$
    SELECT each.key, each.value::bigint
      FROM jsonb_each_text(CASE jsonb_typeof(latency) WHEN 'object' THEN latency END) AS each
     WHERE each.key ~ '^[1-4]?[0-9]$' AND each.value ~ '^-?[0-9]{1,12}$'
$_$;


CREATE FUNCTION public.pictor_end_hold_v1(p_tenant uuid, p_key uuid, p_generation uuid, p_amount bigint, p_captured bigint, p_revenue bigint, p_day date, p_month date, p_at timestamp with time zone, p_evidence bytea, p_sealed text, p_capture_key bytea, p_release_key bytea) RETURNS void
    LANGUAGE plpgsql
    AS $$
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


CREATE FUNCTION public.pictor_end_holds_v1(p_holds jsonb, p_allowed uuid[]) RETURNS SETOF uuid
    LANGUAGE plpgsql
    AS $$
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


SET LOCAL default_tablespace = '';

SET LOCAL default_table_access_method = heap;

CREATE TABLE public.billing_keybudget (
    key_id uuid NOT NULL,
    in_flight integer NOT NULL,
    day date NOT NULL,
    day_used_micros bigint NOT NULL,
    month date NOT NULL,
    month_used_micros bigint NOT NULL,
    CONSTRAINT key_counters_are_never_negative CHECK (((day_used_micros >= 0) AND (in_flight >= 0) AND (month_used_micros >= 0)))
);


CREATE TABLE public.billing_tenantbalance (
    tenant_id uuid NOT NULL,
    available bigint NOT NULL,
    held bigint NOT NULL,
    seq bigint NOT NULL,
    in_flight integer NOT NULL,
    available_account_id bigint NOT NULL,
    held_account_id bigint NOT NULL,
    seal bytea,
    previous_seal bytea,
    day date,
    day_used_micros bigint DEFAULT 0 NOT NULL,
    month date,
    month_used_micros bigint DEFAULT 0 NOT NULL,
    owed bigint DEFAULT 0 NOT NULL,
    CONSTRAINT balances_are_never_negative CHECK (((available >= 0) AND (held >= 0))),
    CONSTRAINT in_flight_is_never_negative CHECK ((in_flight >= 0)),
    CONSTRAINT owed_is_never_negative CHECK ((owed >= 0)),
    CONSTRAINT used_is_never_negative CHECK (((day_used_micros >= 0) AND (month_used_micros >= 0)))
);


CREATE TABLE public.billing_transfer (
    id bigint NOT NULL,
    kind character varying(13) NOT NULL,
    amount bigint NOT NULL,
    seq bigint,
    available_after bigint,
    held_after bigint,
    generation_id uuid,
    attempt_id uuid,
    reason character varying(200) NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    credit_id bigint NOT NULL,
    debit_id bigint NOT NULL,
    tenant_id uuid,
    evidence bytea,
    seal bytea,
    reverses_seq bigint,
    corrects_id uuid,
    line character varying(200),
    CONSTRAINT tenant_transfer_is_numbered CHECK ((((available_after IS NULL) AND (held_after IS NULL) AND (seq IS NULL) AND (tenant_id IS NULL)) OR ((available_after >= 0) AND (held_after >= 0) AND (seq IS NOT NULL) AND (tenant_id IS NOT NULL)))),
    CONSTRAINT transfer_goes_elsewhere CHECK ((NOT (debit_id = credit_id))),
    CONSTRAINT transfer_moves_something CHECK ((amount > 0))
);


CREATE FUNCTION public.pictor_keep_balance_v1(p_balance public.billing_tenantbalance, p_budgets public.billing_keybudget[], p_transfers public.billing_transfer[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
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


CREATE FUNCTION public.pictor_key_stays() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'a key stays with its tenant, and what it is'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;


CREATE FUNCTION public.pictor_mode_of_key() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.livemode = (SELECT is_test FROM accounts_apikey WHERE id = NEW.api_key_id) THEN
        RAISE EXCEPTION 'a generation is live, or a test, as its key is'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;


CREATE FUNCTION public.pictor_mode_stays() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'a generation stays live, or a test'
        USING ERRCODE = 'integrity_constraint_violation';
END $$;


CREATE FUNCTION public.pictor_next_transfer_v1(p_balance public.billing_tenantbalance, p_kind text, p_debit bigint, p_credit bigint, p_amount bigint, p_generation uuid, p_at timestamp with time zone, p_evidence bytea, p_sealed text, p_key bytea) RETURNS public.billing_transfer
    LANGUAGE plpgsql
    AS $$
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


CREATE FUNCTION public.pictor_place_hold_v1(p_tenant uuid, p_key uuid, p_generation uuid, p_amount bigint, p_day date, p_month date, p_tenant_in_flight integer, p_tenant_day bigint, p_tenant_month bigint, p_key_in_flight integer, p_key_day bigint, p_key_month bigint, p_at timestamp with time zone, p_evidence bytea, p_sealed text, p_seal_key bytea, OUT refused_by text, OUT missing bigint) RETURNS record
    LANGUAGE plpgsql
    AS $$
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


CREATE FUNCTION public.pictor_place_holds_v1(p_lock_timeout text, p_holds jsonb, p_allowed integer[], OUT n integer, OUT generation_id uuid, OUT refused_by text, OUT missing bigint) RETURNS SETOF record
    LANGUAGE plpgsql
    AS $$
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


CREATE FUNCTION public.pictor_place_holds_v2(p_lock_timeout text, p_holds jsonb, p_allowed integer[], OUT n integer, OUT generation_id uuid, OUT refused_by text, OUT missing bigint) RETURNS SETOF record
    LANGUAGE plpgsql
    AS $$
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
            WHEN h.p_amount > 0 AND balance.owed > 0 THEN 'owed'
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
                WHEN 'owed' THEN h.p_amount - balance.owed
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


CREATE FUNCTION public.pictor_published_book_is_final() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'price book % is published and final: publish a new version instead', OLD.id
        USING ERRCODE = 'restrict_violation';
END
$$;


CREATE FUNCTION public.pictor_published_price_is_final() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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


CREATE FUNCTION public.pictor_test_stays_in_sandbox() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (SELECT FROM generation_generation g, generation_channel c
                WHERE g.id = NEW.generation_id AND NOT g.livemode
                  AND c.id = NEW.channel_id AND c.serves = 'live') THEN
        RAISE EXCEPTION 'what a test key asked for is only ever sent to a sandbox'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;


CREATE FUNCTION public.pictor_times_v1(latency jsonb) RETURNS numeric
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT COALESCE(SUM((count || 'e' || 12 * bucket::int)::numeric), 0)
      FROM pictor_counts_v1(latency)
$$;


CREATE FUNCTION public.pictor_transfer_v1(balance public.billing_tenantbalance, p_kind text, p_debit bigint, p_credit bigint, p_amount bigint, p_generation uuid, p_at timestamp with time zone, p_evidence bytea, p_sealed text, p_key bytea) RETURNS public.billing_tenantbalance
    LANGUAGE plpgsql
    AS $$
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


CREATE FUNCTION public.pictor_untag_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    counted_to bigint;
    its_tag text := left(COALESCE(NULLIF(OLD.fields ->> 'user', ''),
                                  OLD.fields ->> 'safety_identifier', ''), 500);
    its_day date := (OLD.finished_at AT TIME ZONE 'UTC')::date;
    its_images bigint;
    its_row bigint;
BEGIN
    SELECT transfer_id INTO counted_to FROM generation_taggeduntil FOR UPDATE;
    IF NOT EXISTS (SELECT FROM billing_transfer
                    WHERE generation_id = OLD.id AND id <= counted_to
                      AND kind = CASE WHEN OLD.captured_micros > 0 THEN 'capture' ELSE 'release' END)
    THEN
        RETURN NULL;
    END IF;
    SELECT COUNT(*) INTO its_images FROM storage_storedimage WHERE generation_id = OLD.id;
    UPDATE generation_taggedday
       SET generations = generations - 1, failed = failed - (OLD.state = 'failed')::int,
           images = images - its_images, captured_micros = captured_micros - OLD.captured_micros
     WHERE id = (SELECT id FROM generation_taggedday
                  WHERE tenant_id = OLD.tenant_id AND day = its_day
                    AND (part, tag) IN (('further', ''), (CASE its_tag WHEN '' THEN 'none' ELSE 'tag' END, its_tag))
                  ORDER BY part = 'further' LIMIT 1)
    RETURNING id INTO its_row;
    DELETE FROM generation_taggedday WHERE id = its_row AND generations = 0;
    INSERT INTO generation_taggedday AS d
           (tenant_id, day, part, tag, generations, failed, images, captured_micros)
    VALUES (OLD.tenant_id, its_day, 'erased', '', 1, (OLD.state = 'failed')::int, its_images,
            OLD.captured_micros)
    ON CONFLICT (tenant_id, day, part, tag) DO UPDATE
       SET generations = d.generations + 1, failed = d.failed + EXCLUDED.failed,
           images = d.images + EXCLUDED.images,
           captured_micros = d.captured_micros + EXCLUDED.captured_micros;
    RETURN NULL;
END
$$;


CREATE FUNCTION public.pictor_usage_times_v1() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.times := pictor_times_v1(NEW.latency);
    RETURN NEW;
END
$$;


CREATE FUNCTION public.pictor_withdrawn_before_it_begins() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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


CREATE TABLE public.account_emailaddress (
    id integer NOT NULL,
    email character varying(254) NOT NULL,
    verified boolean NOT NULL,
    "primary" boolean NOT NULL,
    user_id uuid NOT NULL
);


ALTER TABLE public.account_emailaddress ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.account_emailaddress_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.account_emailconfirmation (
    id integer NOT NULL,
    created timestamp with time zone NOT NULL,
    sent timestamp with time zone,
    key character varying(64) NOT NULL,
    email_address_id integer NOT NULL
);


ALTER TABLE public.account_emailconfirmation ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.account_emailconfirmation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.accounts_apikey (
    id uuid NOT NULL,
    name character varying(100) NOT NULL,
    visible_prefix character varying(24) NOT NULL,
    digest bytea NOT NULL,
    is_test boolean NOT NULL,
    scopes character varying(20)[] NOT NULL,
    allowed_models character varying(100)[],
    ip_ranges character varying(43)[],
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    requests_per_minute integer,
    images_per_minute integer,
    max_in_flight integer,
    budget_day_micros bigint,
    budget_month_micros bigint,
    default_response_format character varying(8) NOT NULL,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    created_by_id uuid,
    tenant_id uuid NOT NULL,
    previous_digest bytea,
    previous_until timestamp with time zone,
    limited_by_id uuid,
    previous_used_at timestamp with time zone,
    budget_warns_only boolean DEFAULT false NOT NULL,
    waits_for_owner boolean DEFAULT false NOT NULL,
    CONSTRAINT accounts_apikey_images_per_minute_check CHECK ((images_per_minute >= 0)),
    CONSTRAINT accounts_apikey_max_in_flight_check CHECK ((max_in_flight >= 0)),
    CONSTRAINT accounts_apikey_requests_per_minute_check CHECK ((requests_per_minute >= 0))
);


CREATE TABLE public.accounts_auditevent (
    id bigint NOT NULL,
    actor_name character varying(254) NOT NULL,
    action character varying(60) NOT NULL,
    object_type character varying(60) NOT NULL,
    object_id character varying(60) NOT NULL,
    before jsonb,
    after jsonb,
    ip inet,
    at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    actor_id uuid,
    tenant_id uuid,
    seal bytea
);


ALTER TABLE public.accounts_auditevent ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.accounts_auditevent_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.accounts_auditlink (
    seq bigint NOT NULL,
    seal bytea NOT NULL,
    event_id bigint NOT NULL
);


CREATE SEQUENCE public.accounts_config_revision
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


CREATE TABLE public.accounts_configrevision (
    id smallint NOT NULL,
    revision bigint NOT NULL,
    CONSTRAINT config_revision_is_one_row CHECK ((id = 1))
);


CREATE TABLE public.accounts_invitation (
    id uuid NOT NULL,
    email character varying(254) NOT NULL,
    role character varying(9) NOT NULL,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    invited_by_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    is_of_staff boolean DEFAULT false NOT NULL,
    CONSTRAINT invited_email_is_lower_case CHECK (((email)::text = lower((email)::text)))
);


CREATE TABLE public.accounts_mail (
    id uuid NOT NULL,
    "to" character varying(254) NOT NULL,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    due_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    attempts smallint NOT NULL,
    sent_at timestamp with time zone,
    error character varying(300) NOT NULL,
    contents text NOT NULL,
    CONSTRAINT accounts_mail_attempts_check CHECK ((attempts >= 0))
);


CREATE TABLE public.accounts_memberchange (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    email character varying(254) NOT NULL,
    before character varying(9) NOT NULL,
    role character varying(9) NOT NULL,
    heir_id uuid,
    site character varying(200) NOT NULL,
    asked_by_id uuid NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    approved_by_id uuid,
    takes_effect_at timestamp with time zone
);


CREATE TABLE public.accounts_membership (
    id bigint NOT NULL,
    role character varying(9) NOT NULL,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    user_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    hides_start boolean DEFAULT false NOT NULL
);


ALTER TABLE public.accounts_membership ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.accounts_membership_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.accounts_opensession (
    digest character varying(40) NOT NULL,
    network character varying(50) NOT NULL,
    browser character varying(40) NOT NULL,
    begun_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    user_id uuid NOT NULL
);


CREATE TABLE public.accounts_operatorcall (
    id uuid NOT NULL,
    act character varying(100) NOT NULL,
    fields_digest bytea NOT NULL,
    seen character varying(16) NOT NULL,
    shown_at timestamp with time zone NOT NULL,
    begun_at timestamp with time zone,
    answer jsonb,
    key_id uuid NOT NULL
);


CREATE TABLE public.accounts_operatorkey (
    id uuid NOT NULL,
    name character varying(100) NOT NULL,
    visible_prefix character varying(24) NOT NULL,
    digest bytea NOT NULL,
    permissions character varying(100)[] NOT NULL,
    acts character varying(100)[] NOT NULL,
    ip_ranges character varying(43)[] NOT NULL,
    made_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    made_by_id uuid NOT NULL
);


CREATE TABLE public.accounts_signupcredit (
    id bigint NOT NULL,
    mailbox bytea NOT NULL,
    network bytea NOT NULL,
    amount_micros bigint NOT NULL,
    withheld character varying(7) NOT NULL,
    at timestamp with time zone NOT NULL
);


ALTER TABLE public.accounts_signupcredit ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.accounts_signupcredit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.accounts_supportgrant (
    id uuid NOT NULL,
    reason character varying(200) NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL
);


CREATE TABLE public.accounts_tenant (
    id uuid NOT NULL,
    name character varying(100) NOT NULL,
    status character varying(9) NOT NULL,
    requests_per_minute integer,
    images_per_minute integer,
    max_in_flight integer,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    prompt_retention_days integer,
    title character varying(100) NOT NULL,
    budget_day_micros bigint,
    budget_month_micros bigint,
    image_retention_days integer,
    own_images_per_minute integer,
    own_max_in_flight integer,
    own_requests_per_minute integer,
    time_zone character varying(40) DEFAULT 'UTC'::character varying NOT NULL,
    erasure_due_at timestamp with time zone,
    own_models character varying(100)[],
    requires_second_factor boolean DEFAULT false NOT NULL,
    stored_bytes bigint DEFAULT 0 NOT NULL,
    storage_full_at timestamp with time zone,
    uncharged_ceiling_micros bigint,
    uncharged_until timestamp with time zone,
    allows_support boolean DEFAULT true NOT NULL,
    shows_support_content boolean DEFAULT false NOT NULL,
    is_ours boolean DEFAULT false NOT NULL,
    may_omit_marks boolean DEFAULT false NOT NULL,
    omits_marks boolean DEFAULT false NOT NULL,
    CONSTRAINT accounts_tenant_image_retention_days_check CHECK ((image_retention_days >= 0)),
    CONSTRAINT accounts_tenant_images_per_minute_check CHECK ((images_per_minute >= 0)),
    CONSTRAINT accounts_tenant_max_in_flight_check CHECK ((max_in_flight >= 0)),
    CONSTRAINT accounts_tenant_own_images_per_minute_check CHECK ((own_images_per_minute >= 0)),
    CONSTRAINT accounts_tenant_own_max_in_flight_check CHECK ((own_max_in_flight >= 0)),
    CONSTRAINT accounts_tenant_own_requests_per_minute_check CHECK ((own_requests_per_minute >= 0)),
    CONSTRAINT accounts_tenant_prompt_retention_days_check CHECK ((prompt_retention_days >= 0)),
    CONSTRAINT accounts_tenant_requests_per_minute_check CHECK ((requests_per_minute >= 0))
);


CREATE TABLE public.accounts_user (
    password character varying(128) NOT NULL,
    last_login timestamp with time zone,
    is_superuser boolean NOT NULL,
    id uuid NOT NULL,
    email character varying(254) NOT NULL,
    name character varying(150) NOT NULL,
    is_staff boolean NOT NULL,
    is_active boolean NOT NULL,
    email_verified_at timestamp with time zone,
    date_joined timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    terms_version character varying(20) NOT NULL,
    sessions_ended integer DEFAULT 0 NOT NULL,
    staff_role character varying(10) DEFAULT ''::character varying NOT NULL,
    staff_seen_at timestamp with time zone,
    CONSTRAINT user_email_is_lower_case CHECK (((email)::text = lower((email)::text)))
);


CREATE TABLE public.accounts_user_groups (
    id bigint NOT NULL,
    user_id uuid NOT NULL,
    group_id integer NOT NULL
);


ALTER TABLE public.accounts_user_groups ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.accounts_user_groups_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.accounts_user_user_permissions (
    id bigint NOT NULL,
    user_id uuid NOT NULL,
    permission_id integer NOT NULL
);


ALTER TABLE public.accounts_user_user_permissions ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.accounts_user_user_permissions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.auth_group (
    id integer NOT NULL,
    name character varying(150) NOT NULL
);


ALTER TABLE public.auth_group ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_group_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.auth_group_permissions (
    id bigint NOT NULL,
    group_id integer NOT NULL,
    permission_id integer NOT NULL
);


ALTER TABLE public.auth_group_permissions ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_group_permissions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.auth_permission (
    id integer NOT NULL,
    name character varying(255) NOT NULL,
    content_type_id integer NOT NULL,
    codename character varying(100) NOT NULL
);


ALTER TABLE public.auth_permission ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.auth_permission_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.billing_account (
    id bigint NOT NULL,
    kind character varying(16) NOT NULL,
    tenant_id uuid,
    CONSTRAINT tenants_have_available_and_held CHECK (((((kind)::text = ANY ((ARRAY['available'::character varying, 'held'::character varying])::text[])) AND (tenant_id IS NOT NULL)) OR ((NOT ((kind)::text = ANY ((ARRAY['available'::character varying, 'held'::character varying])::text[]))) AND (tenant_id IS NULL))))
);


ALTER TABLE public.billing_account ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_account_id_seq
    START WITH 1000
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.billing_balancealert (
    tenant_id uuid NOT NULL,
    below_micros bigint,
    below_days integer,
    page character varying(300) NOT NULL,
    raised_at timestamp with time zone,
    CONSTRAINT billing_balancealert_below_days_check CHECK ((below_days >= 0))
);


CREATE TABLE public.billing_budgetwarning (
    id bigint NOT NULL,
    period character varying(5) NOT NULL,
    "window" date NOT NULL,
    most_micros bigint NOT NULL,
    key_id uuid NOT NULL,
    percent smallint DEFAULT 100 NOT NULL
);


ALTER TABLE public.billing_budgetwarning ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_budgetwarning_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.billing_failurerollup (
    id bigint NOT NULL,
    key_id uuid NOT NULL,
    model character varying(100) NOT NULL,
    tier character varying(8) NOT NULL,
    code character varying(64) NOT NULL,
    hour timestamp with time zone NOT NULL,
    generations bigint NOT NULL,
    tenant_id uuid NOT NULL
);


ALTER TABLE public.billing_failurerollup ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_failurerollup_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.billing_ledgercheckpoint (
    name character varying(50) NOT NULL,
    seq bigint NOT NULL,
    seal bytea NOT NULL,
    available bigint NOT NULL,
    held bigint NOT NULL,
    mark bytea NOT NULL,
    owed bigint DEFAULT 0 NOT NULL
);


CREATE TABLE public.billing_ledgerhead (
    day date NOT NULL,
    kept_at timestamp with time zone NOT NULL,
    tenants integer NOT NULL,
    content text NOT NULL,
    CONSTRAINT billing_ledgerhead_tenants_check CHECK ((tenants >= 0))
);


CREATE TABLE public.billing_ledgerproof (
    kind character varying(16) NOT NULL,
    began_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    found integer NOT NULL,
    findings jsonb NOT NULL,
    CONSTRAINT billing_ledgerproof_found_check CHECK ((found >= 0))
);


CREATE TABLE public.billing_moneymove (
    id uuid NOT NULL,
    kind character varying(13) NOT NULL,
    amount bigint NOT NULL,
    reverses_seq bigint,
    generation_id uuid,
    reason character varying(200) NOT NULL,
    note character varying(200) NOT NULL,
    asked_by_name character varying(254) NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    decided_by_name character varying(254) NOT NULL,
    declined_at timestamp with time zone,
    transfer_id bigint,
    asked_by_id uuid,
    tenant_id uuid NOT NULL,
    covers_since timestamp with time zone,
    covers_until timestamp with time zone,
    covers_model character varying(100) DEFAULT ''::character varying NOT NULL,
    CONSTRAINT booked_or_declined CHECK (((transfer_id IS NULL) OR (declined_at IS NULL)))
);


CREATE TABLE public.billing_payment (
    id uuid NOT NULL,
    automatic boolean DEFAULT false NOT NULL,
    state character varying(7) NOT NULL,
    person_why character varying(200) DEFAULT ''::character varying NOT NULL,
    credited_micros bigint NOT NULL,
    asked_cents integer NOT NULL,
    amount_cents integer,
    tax_cents integer,
    currency character varying(3) DEFAULT ''::character varying NOT NULL,
    fee_cents integer,
    fee_currency character varying(3) DEFAULT ''::character varying NOT NULL,
    card_brand character varying(20) DEFAULT ''::character varying NOT NULL,
    card_last4 character varying(4) DEFAULT ''::character varying NOT NULL,
    session_id character varying(128),
    payment_intent_id character varying(64),
    charge_id character varying(64),
    invoice_id character varying(64),
    invoice_number character varying(60) DEFAULT ''::character varying NOT NULL,
    invoice_url character varying(1000) DEFAULT ''::character varying NOT NULL,
    receipt_url character varying(1000) DEFAULT ''::character varying NOT NULL,
    page_url character varying(2000) DEFAULT ''::character varying NOT NULL,
    declined character varying(60) DEFAULT ''::character varying NOT NULL,
    top_up_seq bigint,
    begun_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    paid_at timestamp with time zone,
    looks integer DEFAULT 0 NOT NULL,
    applied integer DEFAULT 0 NOT NULL,
    looked_at timestamp with time zone,
    begun_by_id uuid,
    tenant_id uuid NOT NULL,
    CONSTRAINT a_payment_buys_what_it_asks CHECK (((asked_cents > 0) AND (credited_micros = (asked_cents * 10000))))
);


CREATE TABLE public.billing_paymentcustomer (
    tenant_id uuid NOT NULL,
    provider_id character varying(64),
    legal_name character varying(200) DEFAULT ''::character varying NOT NULL,
    address character varying(500) DEFAULT ''::character varying NOT NULL,
    tax_id character varying(60) DEFAULT ''::character varying NOT NULL,
    purchase_order character varying(60) DEFAULT ''::character varying NOT NULL,
    invoice_mail character varying(254) DEFAULT ''::character varying NOT NULL,
    below_micros bigint,
    add_cents integer,
    most_cents integer,
    consented_at timestamp with time zone,
    paused_for character varying(12) DEFAULT ''::character varying NOT NULL,
    tries smallint DEFAULT 0 NOT NULL,
    next_at timestamp with time zone,
    consented_by_id uuid
);


CREATE TABLE public.billing_paymentdispute (
    provider_id character varying(64) NOT NULL,
    kind character varying(7) NOT NULL,
    state character varying(6) NOT NULL,
    reason character varying(60) NOT NULL,
    cents integer NOT NULL,
    fee_cents integer,
    opened_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone,
    link character varying(300) NOT NULL,
    payment_id uuid NOT NULL
);


CREATE TABLE public.billing_paymentmovement (
    id uuid NOT NULL,
    kind character varying(13) NOT NULL,
    state character varying(7) NOT NULL,
    provider_id character varying(64),
    dispute_id character varying(64) DEFAULT ''::character varying NOT NULL,
    cents integer NOT NULL,
    micros bigint NOT NULL,
    seqs bigint[] NOT NULL,
    key character varying(64) DEFAULT ''::character varying NOT NULL,
    key_at timestamp with time zone,
    asked_by_name character varying(254) DEFAULT ''::character varying NOT NULL,
    reason character varying(200) DEFAULT ''::character varying NOT NULL,
    at timestamp with time zone NOT NULL,
    payment_id uuid NOT NULL
);


CREATE TABLE public.billing_price (
    id bigint NOT NULL,
    model character varying(100) NOT NULL,
    size character varying(11) NOT NULL,
    quality character varying(16) NOT NULL,
    micros bigint NOT NULL,
    kind character varying(7) NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    book_id bigint NOT NULL,
    terms jsonb,
    CONSTRAINT billing_price_height_check CHECK ((height >= 0)),
    CONSTRAINT billing_price_width_check CHECK ((width >= 0)),
    CONSTRAINT price_is_not_negative CHECK ((micros >= 0)),
    CONSTRAINT priced_size_has_pixels CHECK (((height > 0) AND (width > 0)))
);


ALTER TABLE public.billing_price ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_price_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.billing_pricebook (
    id bigint NOT NULL,
    name character varying(60) NOT NULL,
    version integer NOT NULL,
    currency character varying(3) NOT NULL,
    markup numeric(8,4) NOT NULL,
    effective_from timestamp with time zone NOT NULL,
    published_at timestamp with time zone,
    tenant_id uuid,
    CONSTRAINT billing_pricebook_version_check CHECK ((version >= 0)),
    CONSTRAINT markup_is_not_negative CHECK ((markup >= (0)::numeric)),
    CONSTRAINT prices_are_in_usd CHECK (((currency)::text = 'USD'::text))
);


ALTER TABLE public.billing_pricebook ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_pricebook_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.billing_pricebookwithdrawal (
    book_id bigint NOT NULL,
    withdrawn_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL
);


CREATE TABLE public.billing_pricelist (
    id uuid NOT NULL,
    name character varying(60) NOT NULL,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL
);


CREATE TABLE public.billing_pricelistassignment (
    id bigint NOT NULL,
    since timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    price_list_id uuid,
    tenant_id uuid NOT NULL
);


ALTER TABLE public.billing_pricelistassignment ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_pricelistassignment_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.billing_providerevent (
    id character varying(64) NOT NULL,
    type character varying(64) NOT NULL,
    session_id character varying(128) NOT NULL,
    payment_intent_id character varying(64) NOT NULL,
    invoice_id character varying(64) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL,
    rang boolean NOT NULL,
    handled_at timestamp with time zone,
    tries smallint DEFAULT 0 NOT NULL,
    next_at timestamp with time zone NOT NULL,
    trouble character varying(200) DEFAULT ''::character varying NOT NULL,
    payment_id uuid
);


CREATE TABLE public.billing_soldday (
    id bigint NOT NULL,
    day date NOT NULL,
    is_demo boolean NOT NULL,
    model character varying(100) NOT NULL,
    asked character varying(16) NOT NULL,
    delivered character varying(16) NOT NULL,
    quality character varying(16) NOT NULL,
    channel character varying(100) NOT NULL,
    images bigint NOT NULL,
    captured_micros bigint NOT NULL,
    refunded_micros bigint NOT NULL,
    cost_micros bigint NOT NULL,
    corrections_micros bigint NOT NULL,
    losses_micros bigint NOT NULL,
    loss_corrections_micros bigint NOT NULL,
    credited_micros bigint NOT NULL,
    unknown_images bigint NOT NULL,
    tenant_id uuid
);


ALTER TABLE public.billing_soldday ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_soldday_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.billing_solduntil (
    id bigint NOT NULL,
    transfer_id bigint NOT NULL,
    until timestamp with time zone,
    CONSTRAINT sold_until_is_one_row CHECK ((id = 1))
);


ALTER TABLE public.billing_solduntil ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_solduntil_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


ALTER TABLE public.billing_transfer ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_transfer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.billing_unchargedcost (
    id bigint NOT NULL,
    day date NOT NULL,
    loss character varying(14) NOT NULL,
    attempts bigint NOT NULL,
    cost_micros bigint NOT NULL,
    tenant_id uuid NOT NULL
);


ALTER TABLE public.billing_unchargedcost ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_unchargedcost_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.billing_usagerollup (
    id bigint NOT NULL,
    key_id uuid NOT NULL,
    model character varying(100) NOT NULL,
    tier character varying(8) NOT NULL,
    channel character varying(100) NOT NULL,
    status character varying(10) NOT NULL,
    hour timestamp with time zone NOT NULL,
    generations bigint NOT NULL,
    images bigint NOT NULL,
    captured_micros bigint NOT NULL,
    tenant_id uuid NOT NULL,
    latency jsonb NOT NULL,
    times numeric(600,0),
    CONSTRAINT usage_is_not_negative CHECK (((captured_micros >= 0) AND (generations >= 0) AND (images >= 0)))
);


ALTER TABLE public.billing_usagerollup ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_usagerollup_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.billing_workspacebudgetwarning (
    id bigint NOT NULL,
    period character varying(5) NOT NULL,
    "window" date NOT NULL,
    most_micros bigint NOT NULL,
    percent smallint DEFAULT 100 NOT NULL,
    tenant_id uuid NOT NULL
);


ALTER TABLE public.billing_workspacebudgetwarning ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.billing_workspacebudgetwarning_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.django_content_type (
    id integer NOT NULL,
    app_label character varying(100) NOT NULL,
    model character varying(100) NOT NULL
);


ALTER TABLE public.django_content_type ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.django_content_type_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.django_migrations (
    id bigint NOT NULL,
    app character varying(255) NOT NULL,
    name character varying(255) NOT NULL,
    applied timestamp with time zone NOT NULL
);


ALTER TABLE public.django_migrations ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.django_migrations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.django_session (
    session_key character varying(40) NOT NULL,
    session_data text NOT NULL,
    expire_date timestamp with time zone NOT NULL
);


CREATE TABLE public.generation_alertaddress (
    address character varying(254) NOT NULL,
    confirmed_at timestamp with time zone NOT NULL
);


CREATE TABLE public.generation_alertrule (
    id uuid NOT NULL,
    name character varying(80) NOT NULL,
    kinds character varying(32)[],
    least_micros bigint,
    least_minutes integer NOT NULL,
    repeat_hours smallint NOT NULL,
    mails character varying(254)[] NOT NULL,
    page character varying(200) NOT NULL,
    is_enabled boolean NOT NULL,
    archived_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    endpoint_id uuid,
    CONSTRAINT alert_rule_is_off_once_archived CHECK (((archived_at IS NULL) OR (NOT is_enabled))),
    CONSTRAINT generation_alertrule_least_minutes_check CHECK ((least_minutes >= 0)),
    CONSTRAINT generation_alertrule_repeat_hours_check CHECK ((repeat_hours >= 0))
);


CREATE TABLE public.generation_alertsending (
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    is_test boolean NOT NULL,
    mails character varying(254)[] NOT NULL,
    mail_ids uuid[] NOT NULL,
    url character varying(2048) NOT NULL,
    event_id uuid,
    passed integer NOT NULL,
    rule_id uuid NOT NULL,
    codes jsonb
);


CREATE TABLE public.generation_alertsent (
    id bigint NOT NULL,
    condition_id bigint NOT NULL,
    kind character varying(32) NOT NULL,
    object character varying(200) NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    occasion character varying(8) NOT NULL,
    number integer NOT NULL,
    words character varying(300) NOT NULL,
    micros bigint,
    is_hushed boolean NOT NULL,
    is_over boolean NOT NULL,
    rule_id uuid NOT NULL,
    sending_id uuid NOT NULL,
    CONSTRAINT generation_alertsent_number_check CHECK ((number >= 0))
);


ALTER TABLE public.generation_alertsent ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.generation_alertsent_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.generation_attempt (
    id uuid NOT NULL,
    dispatch smallint NOT NULL,
    number smallint NOT NULL,
    upstream_model character varying(128) NOT NULL,
    upstream_size character varying(16) NOT NULL,
    started_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    finished_at timestamp with time zone,
    attempt_class character varying(16) NOT NULL,
    http_status smallint,
    upstream_request_id character varying(200) NOT NULL,
    may_have_billed boolean NOT NULL,
    cost_micros bigint NOT NULL,
    detail character varying(500) NOT NULL,
    channel_id bigint NOT NULL,
    generation_id uuid NOT NULL,
    cost_source character varying(8) DEFAULT ''::character varying NOT NULL,
    images_received smallint,
    input_image_tokens integer,
    input_text_tokens integer,
    n smallint,
    output_tokens integer,
    upstream_quality character varying(64) DEFAULT ''::character varying NOT NULL,
    fingerprint character varying(12) DEFAULT ''::character varying NOT NULL,
    jobs jsonb,
    CONSTRAINT generation_attempt_dispatch_check CHECK ((dispatch >= 0)),
    CONSTRAINT generation_attempt_http_status_check CHECK ((http_status >= 0)),
    CONSTRAINT generation_attempt_number_check CHECK ((number >= 0))
);


CREATE TABLE public.generation_attemptminute (
    id bigint NOT NULL,
    minute timestamp with time zone NOT NULL,
    model character varying(64) NOT NULL,
    attempt_class character varying(16) NOT NULL,
    number integer NOT NULL,
    latency jsonb NOT NULL,
    channel_id bigint NOT NULL,
    CONSTRAINT generation_attemptminute_number_check CHECK ((number >= 0))
);


ALTER TABLE public.generation_attemptminute ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.generation_attemptminute_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.generation_billline (
    id bigint NOT NULL,
    number integer NOT NULL,
    key character varying(200) NOT NULL,
    same_row character varying(16) NOT NULL,
    at timestamp with time zone NOT NULL,
    item character varying(200) NOT NULL,
    model character varying(128) NOT NULL,
    request_id character varying(200) NOT NULL,
    n integer,
    exact numeric(30,12),
    micros bigint NOT NULL,
    outcome character varying(9) NOT NULL,
    of integer,
    theirs_micros bigint NOT NULL,
    ours_micros bigint NOT NULL,
    is_unknown boolean NOT NULL,
    attempt_id uuid,
    trial_id uuid,
    candidates jsonb NOT NULL,
    decision character varying(8) NOT NULL,
    taken_micros bigint NOT NULL,
    takes integer NOT NULL,
    words character varying(200) NOT NULL,
    by character varying(254) NOT NULL,
    decided_at timestamp with time zone,
    bill_id bigint NOT NULL
);


ALTER TABLE public.generation_billline ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.generation_billline_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.generation_channel (
    id bigint NOT NULL,
    name character varying(64) NOT NULL,
    kind character varying(32) NOT NULL,
    base_url character varying(500) NOT NULL,
    credentials text NOT NULL,
    priority integer NOT NULL,
    weight integer NOT NULL,
    timeout_seconds integer NOT NULL,
    max_concurrency integer,
    sizes character varying(16)[],
    ignored_fields character varying(32)[] NOT NULL,
    allows_exact_crop boolean NOT NULL,
    allows_redispatch boolean NOT NULL,
    retry_is_free boolean NOT NULL,
    class_overrides jsonb NOT NULL,
    is_enabled boolean NOT NULL,
    reset_count integer NOT NULL,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    approved_digest character varying(64) DEFAULT ''::character varying NOT NULL,
    refused_tasks character varying(10)[] NOT NULL,
    max_images smallint,
    serves character varying(4) DEFAULT 'live'::character varying NOT NULL,
    archived_at timestamp with time zone,
    settings jsonb,
    queue_seconds integer DEFAULT 60 NOT NULL,
    keeps_credentials boolean DEFAULT true NOT NULL,
    CONSTRAINT channel_serves_live_or_test CHECK (((serves)::text = ANY ((ARRAY['live'::character varying, 'test'::character varying, 'both'::character varying])::text[]))),
    CONSTRAINT generation_channel_max_concurrency_check CHECK ((max_concurrency >= 0)),
    CONSTRAINT generation_channel_max_images_check CHECK ((max_images >= 0)),
    CONSTRAINT generation_channel_queue_seconds_check CHECK ((queue_seconds >= 0)),
    CONSTRAINT generation_channel_reset_count_check CHECK ((reset_count >= 0)),
    CONSTRAINT generation_channel_timeout_seconds_check CHECK ((timeout_seconds >= 0)),
    CONSTRAINT generation_channel_weight_check CHECK ((weight >= 0))
);


ALTER TABLE public.generation_channel ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.generation_channel_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.generation_channelevent (
    id bigint NOT NULL,
    kind character varying(16) NOT NULL,
    at timestamp with time zone NOT NULL,
    model character varying(64) NOT NULL,
    worker uuid,
    seconds double precision,
    actor character varying(254) NOT NULL,
    channel_id bigint NOT NULL,
    words character varying(300) DEFAULT ''::character varying NOT NULL
);


ALTER TABLE public.generation_channelevent ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.generation_channelevent_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.generation_channeltrial (
    id uuid NOT NULL,
    model character varying(64) NOT NULL,
    pending boolean NOT NULL,
    tested character varying(64) NOT NULL,
    asked_by character varying(200) NOT NULL,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    upstream_model character varying(128) NOT NULL,
    upstream_size character varying(16) NOT NULL,
    upstream_quality character varying(64) NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    milliseconds integer,
    trial_class character varying(16) NOT NULL,
    http_status smallint,
    upstream_request_id character varying(200) NOT NULL,
    may_have_billed boolean NOT NULL,
    detail character varying(500) NOT NULL,
    image_format character varying(8) NOT NULL,
    width integer,
    height integer,
    size_bytes bigint,
    picture_key character varying(200) NOT NULL,
    input_text_tokens integer,
    input_image_tokens integer,
    output_tokens integer,
    cost_micros bigint NOT NULL,
    cost_source character varying(8) NOT NULL,
    channel_id bigint NOT NULL,
    CONSTRAINT generation_channeltrial_height_check CHECK ((height >= 0)),
    CONSTRAINT generation_channeltrial_http_status_check CHECK ((http_status >= 0)),
    CONSTRAINT generation_channeltrial_width_check CHECK ((width >= 0))
);


CREATE TABLE public.generation_condition (
    id bigint NOT NULL,
    kind character varying(32) NOT NULL,
    object character varying(200) NOT NULL,
    words character varying(300) NOT NULL,
    micros bigint,
    since timestamp with time zone NOT NULL,
    resolved_at timestamp with time zone,
    assigned_to character varying(254) NOT NULL,
    silenced_until timestamp with time zone,
    accepted_at timestamp with time zone,
    why character varying(200) NOT NULL
);


ALTER TABLE public.generation_condition ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.generation_condition_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.generation_conditionlook (
    id smallint NOT NULL,
    first_at timestamp with time zone NOT NULL,
    looked_at timestamp with time zone NOT NULL,
    sold_until timestamp with time zone,
    channels jsonb NOT NULL,
    CONSTRAINT condition_look_is_one_row CHECK ((id = 1))
);


CREATE TABLE public.generation_contract (
    model character varying(64) NOT NULL,
    "position" smallint NOT NULL,
    sizes jsonb NOT NULL,
    accepts_auto boolean NOT NULL,
    default_size character varying(16) NOT NULL,
    qualities character varying(16)[] NOT NULL,
    quality_default character varying(16) NOT NULL,
    quality_aliases jsonb NOT NULL,
    prompt_max_chars integer NOT NULL,
    max_n smallint NOT NULL,
    response_format_default character varying(16) NOT NULL,
    is_exact boolean NOT NULL,
    is_enabled boolean NOT NULL,
    tasks character varying(10)[] NOT NULL,
    deprecated_at timestamp with time zone,
    successor character varying(64) DEFAULT ''::character varying NOT NULL,
    sunset_at timestamp with time zone,
    maker character varying(64) DEFAULT ''::character varying NOT NULL,
    about character varying(200) DEFAULT ''::character varying NOT NULL,
    source character varying(200) DEFAULT ''::character varying NOT NULL,
    formats character varying(8)[] DEFAULT '{png,jpeg,webp}'::character varying(8)[] NOT NULL,
    most_references smallint,
    takes_ratio boolean DEFAULT false NOT NULL,
    parameters jsonb DEFAULT '[]'::jsonb NOT NULL,
    token_rule character varying(16) DEFAULT 'gpt-image-2'::character varying NOT NULL,
    created bigint DEFAULT 1777075200 NOT NULL,
    size_rule jsonb,
    CONSTRAINT generation_contract_max_n_check CHECK ((max_n >= 0)),
    CONSTRAINT generation_contract_position_check CHECK (("position" >= 0)),
    CONSTRAINT generation_contract_prompt_max_chars_check CHECK ((prompt_max_chars >= 0))
);


CREATE TABLE public.generation_costtable (
    id bigint NOT NULL,
    effective_from timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    rows jsonb NOT NULL,
    source character varying(500) DEFAULT ''::character varying NOT NULL,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    channel_id bigint NOT NULL,
    terms jsonb,
    CONSTRAINT costs_begin_now_or_later CHECK ((effective_from >= created_at))
);


ALTER TABLE public.generation_costtable ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.generation_costtable_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.generation_generation (
    id uuid NOT NULL,
    request_id character varying(64) NOT NULL,
    model character varying(64) NOT NULL,
    prompt text NOT NULL,
    n smallint NOT NULL,
    size_requested character varying(16) NOT NULL,
    size character varying(16) NOT NULL,
    tier character varying(8) NOT NULL,
    quality_requested character varying(16) NOT NULL,
    quality_sent character varying(16) NOT NULL,
    response_format character varying(16) NOT NULL,
    output_format character varying(8) NOT NULL,
    output_compression smallint,
    strict_size boolean NOT NULL,
    fields jsonb NOT NULL,
    inputs jsonb NOT NULL,
    state character varying(16) NOT NULL,
    dispatch smallint NOT NULL,
    deadline_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    priced jsonb NOT NULL,
    held_micros bigint NOT NULL,
    captured_micros bigint,
    quality_billed character varying(16) NOT NULL,
    quality_source character varying(16) NOT NULL,
    answer jsonb,
    error jsonb,
    api_key_id uuid NOT NULL,
    channel_id bigint,
    tenant_id uuid NOT NULL,
    worker_id uuid,
    body_digest bytea,
    orphaned_at timestamp with time zone,
    partial_images smallint NOT NULL,
    turn smallint NOT NULL,
    web_process bigint,
    lost_with uuid,
    quarantine smallint DEFAULT 0 NOT NULL,
    cleaned_at timestamp with time zone,
    deleted_at timestamp with time zone,
    words_forgotten_at timestamp with time zone,
    deaths smallint DEFAULT 0 NOT NULL,
    source character varying(10) DEFAULT 'api'::character varying NOT NULL,
    task character varying(10) DEFAULT 'generate'::character varying NOT NULL,
    livemode boolean DEFAULT true NOT NULL,
    CONSTRAINT generation_captured_at_most_held CHECK (((held_micros >= 0) AND ((captured_micros IS NULL) OR ((captured_micros >= 0) AND (captured_micros <= held_micros))))),
    CONSTRAINT generation_final_is_settled CHECK ((((captured_micros IS NULL) AND (finished_at IS NULL) AND ((state)::text = ANY ((ARRAY['queued'::character varying, 'running'::character varying])::text[]))) OR ((captured_micros IS NOT NULL) AND (finished_at IS NOT NULL) AND ((state)::text = ANY ((ARRAY['succeeded'::character varying, 'failed'::character varying, 'canceled'::character varying])::text[]))))),
    CONSTRAINT generation_generation_deaths_check CHECK ((deaths >= 0)),
    CONSTRAINT generation_generation_dispatch_check CHECK ((dispatch >= 0)),
    CONSTRAINT generation_generation_n_check CHECK ((n >= 0)),
    CONSTRAINT generation_generation_output_compression_check CHECK ((output_compression >= 0)),
    CONSTRAINT generation_generation_partial_images_check CHECK ((partial_images >= 0)),
    CONSTRAINT generation_generation_quarantine_check CHECK ((quarantine >= 0)),
    CONSTRAINT generation_generation_turn_check CHECK ((turn >= 0))
);


CREATE TABLE public.generation_idempotencyrecord (
    id bigint NOT NULL,
    key character varying(255) NOT NULL,
    body_digest bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    generation_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    livemode boolean DEFAULT true NOT NULL
);


ALTER TABLE public.generation_idempotencyrecord ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.generation_idempotencyrecord_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.generation_incident (
    id bigint NOT NULL,
    title character varying(120) NOT NULL,
    parts character varying(64)[] NOT NULL,
    is_maintenance boolean NOT NULL,
    state character varying(16) NOT NULL,
    begins_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone,
    next_update_at timestamp with time zone,
    CONSTRAINT incident_ends_after_it_begins CHECK (((ends_at IS NULL) OR (ends_at >= begins_at))),
    CONSTRAINT maintenance_has_an_end CHECK (((NOT is_maintenance) OR (ends_at IS NOT NULL)))
);


ALTER TABLE public.generation_incident ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.generation_incident_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.generation_incidentupdate (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    state character varying(16) NOT NULL,
    words text NOT NULL,
    edited_at timestamp with time zone,
    by character varying(254) NOT NULL,
    mailed integer DEFAULT 0 NOT NULL,
    once uuid NOT NULL,
    incident_id bigint NOT NULL
);


ALTER TABLE public.generation_incidentupdate ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.generation_incidentupdate_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.generation_openbreaker (
    id bigint NOT NULL,
    channel_id bigint NOT NULL,
    reset_count integer NOT NULL,
    model character varying(64) NOT NULL,
    pause double precision NOT NULL,
    until timestamp with time zone NOT NULL,
    CONSTRAINT generation_openbreaker_reset_count_check CHECK ((reset_count >= 0))
);


ALTER TABLE public.generation_openbreaker ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.generation_openbreaker_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.generation_pendingrevision (
    id bigint NOT NULL,
    kind character varying(32) NOT NULL,
    base_url character varying(500) NOT NULL,
    credentials text NOT NULL,
    serves character varying(4) NOT NULL,
    sizes character varying(16)[],
    routes jsonb NOT NULL,
    tested jsonb NOT NULL,
    base character varying(64) NOT NULL,
    changed_by character varying(200) NOT NULL,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    channel_id bigint NOT NULL,
    settings jsonb
);


ALTER TABLE public.generation_pendingrevision ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.generation_pendingrevision_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.generation_promptsforgotten (
    tenant_id uuid NOT NULL,
    until timestamp with time zone NOT NULL
);


CREATE UNLOGGED TABLE public.generation_refusedrequest (
    id uuid NOT NULL,
    caller uuid NOT NULL,
    day date NOT NULL,
    place integer NOT NULL,
    tenant_id uuid,
    key_id uuid,
    generation_id uuid,
    model character varying(64) NOT NULL,
    status smallint NOT NULL,
    code character varying(64) NOT NULL,
    param character varying(100) NOT NULL,
    message character varying(500) NOT NULL,
    stopped_by character varying(64) NOT NULL,
    ms integer NOT NULL
);


CREATE TABLE public.generation_route (
    id bigint NOT NULL,
    upstream_model character varying(128) NOT NULL,
    sizes character varying(16)[],
    quality_map jsonb NOT NULL,
    cost_micros bigint,
    channel_id bigint NOT NULL,
    contract_id character varying(64) NOT NULL,
    is_approved boolean DEFAULT true NOT NULL,
    retires_on date,
    field_map jsonb
);


ALTER TABLE public.generation_route ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.generation_route_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.generation_stop (
    id bigint NOT NULL,
    model character varying(64) NOT NULL,
    reason character varying(200) NOT NULL,
    words character varying(300) NOT NULL,
    by character varying(254) NOT NULL,
    began_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    tenant_id uuid,
    CONSTRAINT stop_is_of_one CHECK ((((model)::text = ''::text) OR (tenant_id IS NULL)))
);


ALTER TABLE public.generation_stop ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.generation_stop_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.generation_sunsetnotice (
    id bigint NOT NULL,
    model character varying(64) NOT NULL,
    sunset_at timestamp with time zone NOT NULL,
    successor character varying(64) NOT NULL,
    days smallint NOT NULL,
    tenant_id uuid NOT NULL
);


ALTER TABLE public.generation_sunsetnotice ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.generation_sunsetnotice_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.generation_taggedday (
    id bigint NOT NULL,
    day date NOT NULL,
    part character varying(8) NOT NULL,
    tag character varying(500) NOT NULL,
    generations bigint NOT NULL,
    failed bigint NOT NULL,
    images bigint NOT NULL,
    captured_micros bigint NOT NULL,
    tenant_id uuid NOT NULL
);


ALTER TABLE public.generation_taggedday ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.generation_taggedday_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.generation_taggeduntil (
    id bigint NOT NULL,
    transfer_id bigint NOT NULL,
    until timestamp with time zone,
    CONSTRAINT tagged_until_is_one_row CHECK ((id = 1))
);


ALTER TABLE public.generation_taggeduntil ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.generation_taggeduntil_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.generation_vendorbill (
    id bigint NOT NULL,
    name character varying(200) NOT NULL,
    digest character varying(64) NOT NULL,
    size_bytes bigint NOT NULL,
    content bytea,
    mapping jsonb NOT NULL,
    state character varying(8) NOT NULL,
    trouble character varying(500) NOT NULL,
    doubts jsonb NOT NULL,
    by character varying(254) NOT NULL,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    asked_at timestamp with time zone,
    matched_at timestamp with time zone,
    begins_at timestamp with time zone,
    ends_at timestamp with time zone,
    lines_read integer NOT NULL,
    rounding numeric(30,12) NOT NULL,
    sums jsonb NOT NULL,
    channel_id bigint NOT NULL,
    taken_lines integer DEFAULT 0 NOT NULL,
    taken_micros bigint DEFAULT 0 NOT NULL,
    disputed_lines integer DEFAULT 0 NOT NULL
);


ALTER TABLE public.generation_vendorbill ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.generation_vendorbill_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.generation_watchedday (
    id bigint NOT NULL,
    part character varying(64) NOT NULL,
    day date NOT NULL,
    looks integer NOT NULL,
    failed integer NOT NULL,
    looked_at timestamp with time zone NOT NULL,
    first_failed_at timestamp with time zone,
    last_failed_at timestamp with time zone,
    trouble character varying(100) NOT NULL,
    CONSTRAINT generation_watchedday_failed_check CHECK ((failed >= 0)),
    CONSTRAINT generation_watchedday_looks_check CHECK ((looks >= 0))
);


ALTER TABLE public.generation_watchedday ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.generation_watchedday_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.generation_worker (
    epoch uuid NOT NULL,
    host character varying(255) NOT NULL,
    pid integer NOT NULL,
    started_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    seen_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    stopped_at timestamp with time zone,
    storage_trouble character varying(200) DEFAULT 'nothing has been stored yet'::character varying NOT NULL,
    in_hand integer,
    slots integer,
    version character varying(40) DEFAULT ''::character varying NOT NULL,
    signs boolean DEFAULT false NOT NULL
);


CREATE TABLE public.mfa_authenticator (
    id bigint NOT NULL,
    type character varying(20) NOT NULL,
    data jsonb NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone
);


ALTER TABLE public.mfa_authenticator ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.mfa_authenticator_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.storage_imageorigin (
    image_id uuid NOT NULL,
    sha256 character varying(64) NOT NULL,
    manifest_label character varying(200) NOT NULL,
    tenant_id uuid NOT NULL
);


CREATE TABLE public.storage_originsuntil (
    id bigint NOT NULL,
    image_id uuid NOT NULL
);


ALTER TABLE public.storage_originsuntil ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.storage_originsuntil_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.storage_storedimage (
    id uuid NOT NULL,
    generation_id uuid NOT NULL,
    index smallint NOT NULL,
    object_key character varying(200) NOT NULL,
    content_type character varying(20) NOT NULL,
    format character varying(4) NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 character varying(64) NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    revised_prompt text NOT NULL,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    tenant_id uuid NOT NULL,
    has_thumbnail boolean DEFAULT false NOT NULL,
    has_icon boolean DEFAULT false NOT NULL,
    credentials character varying(8) DEFAULT 'unknown'::character varying NOT NULL,
    credentials_reason character varying(10) DEFAULT ''::character varying NOT NULL,
    is_marked boolean DEFAULT false NOT NULL,
    manifest_label character varying(200) DEFAULT ''::character varying NOT NULL,
    CONSTRAINT storage_storedimage_height_check CHECK ((height >= 0)),
    CONSTRAINT storage_storedimage_index_check CHECK ((index >= 0)),
    CONSTRAINT storage_storedimage_width_check CHECK ((width >= 0))
);


CREATE TABLE public.storage_tenantexport (
    id uuid NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    page_url character varying(300) NOT NULL,
    due_at timestamp with time zone NOT NULL,
    attempts smallint NOT NULL,
    ready_at timestamp with time zone,
    failed_at timestamp with time zone,
    expires_at timestamp with time zone,
    size_bytes bigint,
    asked_by_id uuid,
    tenant_id uuid NOT NULL,
    list_name character varying(20) DEFAULT ''::character varying NOT NULL,
    list_query character varying(4000) DEFAULT ''::character varying NOT NULL,
    object_key character varying(200) DEFAULT ''::character varying NOT NULL,
    cut_off smallint DEFAULT 0 NOT NULL,
    failure character varying(100) DEFAULT ''::character varying NOT NULL,
    is_of_staff boolean DEFAULT false NOT NULL,
    CONSTRAINT storage_tenantexport_attempts_check CHECK ((attempts >= 0))
);


CREATE TABLE public.webhooks_delivery (
    id uuid NOT NULL,
    state character varying(9) NOT NULL,
    tries smallint NOT NULL,
    due_at timestamp with time zone NOT NULL,
    event_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    CONSTRAINT webhooks_delivery_tries_check CHECK ((tries >= 0))
);


CREATE TABLE public.webhooks_deliveryattempt (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    took_ms integer NOT NULL,
    http_status smallint,
    error character varying(100) NOT NULL,
    answer text NOT NULL,
    delivery_id uuid NOT NULL,
    CONSTRAINT webhooks_deliveryattempt_http_status_check CHECK ((http_status >= 0)),
    CONSTRAINT webhooks_deliveryattempt_took_ms_check CHECK ((took_ms >= 0))
);


ALTER TABLE public.webhooks_deliveryattempt ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.webhooks_deliveryattempt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


CREATE TABLE public.webhooks_event (
    id uuid NOT NULL,
    type character varying(40) NOT NULL,
    subject_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    body text NOT NULL,
    tenant_id uuid,
    livemode boolean DEFAULT true NOT NULL
);


CREATE TABLE public.webhooks_webhookendpoint (
    id uuid NOT NULL,
    url character varying(2048) NOT NULL,
    events character varying(40)[],
    status character varying(8) NOT NULL,
    secret text NOT NULL,
    previous_secret text NOT NULL,
    previous_until timestamp with time zone,
    failing_since timestamp with time zone,
    answers_on date,
    answers_chars integer NOT NULL,
    created_at timestamp with time zone DEFAULT statement_timestamp() NOT NULL,
    tenant_id uuid,
    livemode boolean DEFAULT true NOT NULL
);


INSERT INTO public.accounts_configrevision VALUES
	(1, 15);


INSERT INTO public.auth_permission VALUES
	(1, 'Can add content type', 1, 'add_contenttype'),
	(2, 'Can change content type', 1, 'change_contenttype'),
	(3, 'Can delete content type', 1, 'delete_contenttype'),
	(4, 'Can view content type', 1, 'view_contenttype'),
	(5, 'Can add session', 2, 'add_session'),
	(6, 'Can change session', 2, 'change_session'),
	(7, 'Can delete session', 2, 'delete_session'),
	(8, 'Can view session', 2, 'view_session'),
	(9, 'Can add user', 3, 'add_user'),
	(10, 'Can change user', 3, 'change_user'),
	(11, 'Can delete user', 3, 'delete_user'),
	(12, 'Can view user', 3, 'view_user'),
	(13, 'Can add config revision', 4, 'add_configrevision'),
	(14, 'Can change config revision', 4, 'change_configrevision'),
	(15, 'Can delete config revision', 4, 'delete_configrevision'),
	(16, 'Can view config revision', 4, 'view_configrevision'),
	(17, 'Can add tenant', 5, 'add_tenant'),
	(18, 'Can change tenant', 5, 'change_tenant'),
	(19, 'Can delete tenant', 5, 'delete_tenant'),
	(20, 'Can view tenant', 5, 'view_tenant'),
	(21, 'Can add membership', 6, 'add_membership'),
	(22, 'Can change membership', 6, 'change_membership'),
	(23, 'Can delete membership', 6, 'delete_membership'),
	(24, 'Can view membership', 6, 'view_membership'),
	(25, 'Can add audit event', 7, 'add_auditevent'),
	(26, 'Can change audit event', 7, 'change_auditevent'),
	(27, 'Can delete audit event', 7, 'delete_auditevent'),
	(28, 'Can view audit event', 7, 'view_auditevent'),
	(29, 'Can add API key', 8, 'add_apikey'),
	(30, 'Can change API key', 8, 'change_apikey'),
	(31, 'Can delete API key', 8, 'delete_apikey'),
	(32, 'Can view API key', 8, 'view_apikey'),
	(33, 'Can add audit link', 9, 'add_auditlink'),
	(34, 'Can change audit link', 9, 'change_auditlink'),
	(35, 'Can delete audit link', 9, 'delete_auditlink'),
	(36, 'Can view audit link', 9, 'view_auditlink'),
	(37, 'Can add mail', 10, 'add_mail'),
	(38, 'Can change mail', 10, 'change_mail'),
	(39, 'Can delete mail', 10, 'delete_mail'),
	(40, 'Can view mail', 10, 'view_mail'),
	(41, 'Can add invitation', 11, 'add_invitation'),
	(42, 'Can change invitation', 11, 'change_invitation'),
	(43, 'Can delete invitation', 11, 'delete_invitation'),
	(44, 'Can view invitation', 11, 'view_invitation'),
	(45, 'Can add sign up credit', 12, 'add_signupcredit'),
	(46, 'Can change sign up credit', 12, 'change_signupcredit'),
	(47, 'Can delete sign up credit', 12, 'delete_signupcredit'),
	(48, 'Can view sign up credit', 12, 'view_signupcredit'),
	(49, 'Can add support grant', 13, 'add_supportgrant'),
	(50, 'Can change support grant', 13, 'change_supportgrant'),
	(51, 'Can delete support grant', 13, 'delete_supportgrant'),
	(52, 'Can view support grant', 13, 'view_supportgrant'),
	(53, 'Can add member change', 14, 'add_memberchange'),
	(54, 'Can change member change', 14, 'change_memberchange'),
	(55, 'Can delete member change', 14, 'delete_memberchange'),
	(56, 'Can view member change', 14, 'view_memberchange'),
	(57, 'Can add operator key', 15, 'add_operatorkey'),
	(58, 'Can change operator key', 15, 'change_operatorkey'),
	(59, 'Can delete operator key', 15, 'delete_operatorkey'),
	(60, 'Can view operator key', 15, 'view_operatorkey'),
	(61, 'Can add operator call', 16, 'add_operatorcall'),
	(62, 'Can change operator call', 16, 'change_operatorcall'),
	(63, 'Can delete operator call', 16, 'delete_operatorcall'),
	(64, 'Can view operator call', 16, 'view_operatorcall'),
	(65, 'Can add open session', 17, 'add_opensession'),
	(66, 'Can change open session', 17, 'change_opensession'),
	(67, 'Can delete open session', 17, 'delete_opensession'),
	(68, 'Can view open session', 17, 'view_opensession'),
	(69, 'Can add event', 18, 'add_event'),
	(70, 'Can change event', 18, 'change_event'),
	(71, 'Can delete event', 18, 'delete_event'),
	(72, 'Can view event', 18, 'view_event'),
	(73, 'Can add webhook endpoint', 19, 'add_webhookendpoint'),
	(74, 'Can change webhook endpoint', 19, 'change_webhookendpoint'),
	(75, 'Can delete webhook endpoint', 19, 'delete_webhookendpoint'),
	(76, 'Can view webhook endpoint', 19, 'view_webhookendpoint'),
	(77, 'Can add delivery', 20, 'add_delivery'),
	(78, 'Can change delivery', 20, 'change_delivery'),
	(79, 'Can delete delivery', 20, 'delete_delivery'),
	(80, 'Can view delivery', 20, 'view_delivery'),
	(81, 'Can add delivery attempt', 21, 'add_deliveryattempt'),
	(82, 'Can change delivery attempt', 21, 'change_deliveryattempt'),
	(83, 'Can delete delivery attempt', 21, 'delete_deliveryattempt'),
	(84, 'Can view delivery attempt', 21, 'view_deliveryattempt'),
	(85, 'Can add account', 22, 'add_account'),
	(86, 'Can change account', 22, 'change_account'),
	(87, 'Can delete account', 22, 'delete_account'),
	(88, 'Can view account', 22, 'view_account'),
	(89, 'Can add key budget', 23, 'add_keybudget'),
	(90, 'Can change key budget', 23, 'change_keybudget'),
	(91, 'Can delete key budget', 23, 'delete_keybudget'),
	(92, 'Can view key budget', 23, 'view_keybudget'),
	(93, 'Can add price book', 24, 'add_pricebook'),
	(94, 'Can change price book', 24, 'change_pricebook'),
	(95, 'Can delete price book', 24, 'delete_pricebook'),
	(96, 'Can view price book', 24, 'view_pricebook'),
	(97, 'Can add price', 25, 'add_price'),
	(98, 'Can change price', 25, 'change_price'),
	(99, 'Can delete price', 25, 'delete_price'),
	(100, 'Can view price', 25, 'view_price'),
	(101, 'Can add tenant balance', 26, 'add_tenantbalance'),
	(102, 'Can change tenant balance', 26, 'change_tenantbalance'),
	(103, 'Can delete tenant balance', 26, 'delete_tenantbalance'),
	(104, 'Can view tenant balance', 26, 'view_tenantbalance'),
	(105, 'Can add transfer', 27, 'add_transfer'),
	(106, 'Can change transfer', 27, 'change_transfer'),
	(107, 'Can delete transfer', 27, 'delete_transfer'),
	(108, 'Can view transfer', 27, 'view_transfer'),
	(109, 'Can add usage rollup', 28, 'add_usagerollup'),
	(110, 'Can change usage rollup', 28, 'change_usagerollup'),
	(111, 'Can delete usage rollup', 28, 'delete_usagerollup'),
	(112, 'Can view usage rollup', 28, 'view_usagerollup'),
	(113, 'Can add balance alert', 29, 'add_balancealert'),
	(114, 'Can change balance alert', 29, 'change_balancealert'),
	(115, 'Can delete balance alert', 29, 'delete_balancealert'),
	(116, 'Can view balance alert', 29, 'view_balancealert'),
	(117, 'Can add budget warning', 30, 'add_budgetwarning'),
	(118, 'Can change budget warning', 30, 'change_budgetwarning'),
	(119, 'Can delete budget warning', 30, 'delete_budgetwarning'),
	(120, 'Can view budget warning', 30, 'view_budgetwarning'),
	(121, 'Can add price book withdrawal', 31, 'add_pricebookwithdrawal'),
	(122, 'Can change price book withdrawal', 31, 'change_pricebookwithdrawal'),
	(123, 'Can delete price book withdrawal', 31, 'delete_pricebookwithdrawal'),
	(124, 'Can view price book withdrawal', 31, 'view_pricebookwithdrawal'),
	(125, 'Can add uncharged cost', 32, 'add_unchargedcost'),
	(126, 'Can change uncharged cost', 32, 'change_unchargedcost'),
	(127, 'Can delete uncharged cost', 32, 'delete_unchargedcost'),
	(128, 'Can view uncharged cost', 32, 'view_unchargedcost'),
	(129, 'Can add ledger checkpoint', 33, 'add_ledgercheckpoint'),
	(130, 'Can change ledger checkpoint', 33, 'change_ledgercheckpoint'),
	(131, 'Can delete ledger checkpoint', 33, 'delete_ledgercheckpoint'),
	(132, 'Can view ledger checkpoint', 33, 'view_ledgercheckpoint'),
	(133, 'Can add ledger proof', 34, 'add_ledgerproof'),
	(134, 'Can change ledger proof', 34, 'change_ledgerproof'),
	(135, 'Can delete ledger proof', 34, 'delete_ledgerproof'),
	(136, 'Can view ledger proof', 34, 'view_ledgerproof'),
	(137, 'Can add sold until', 35, 'add_solduntil'),
	(138, 'Can change sold until', 35, 'change_solduntil'),
	(139, 'Can delete sold until', 35, 'delete_solduntil'),
	(140, 'Can view sold until', 35, 'view_solduntil'),
	(141, 'Can add sold day', 36, 'add_soldday'),
	(142, 'Can change sold day', 36, 'change_soldday'),
	(143, 'Can delete sold day', 36, 'delete_soldday'),
	(144, 'Can view sold day', 36, 'view_soldday'),
	(145, 'Can add ledger head', 37, 'add_ledgerhead'),
	(146, 'Can change ledger head', 37, 'change_ledgerhead'),
	(147, 'Can delete ledger head', 37, 'delete_ledgerhead'),
	(148, 'Can view ledger head', 37, 'view_ledgerhead'),
	(149, 'Can add money move', 38, 'add_moneymove'),
	(150, 'Can change money move', 38, 'change_moneymove'),
	(151, 'Can delete money move', 38, 'delete_moneymove'),
	(152, 'Can view money move', 38, 'view_moneymove'),
	(153, 'Can add price list', 39, 'add_pricelist'),
	(154, 'Can change price list', 39, 'change_pricelist'),
	(155, 'Can delete price list', 39, 'delete_pricelist'),
	(156, 'Can view price list', 39, 'view_pricelist'),
	(157, 'Can add price list assignment', 40, 'add_pricelistassignment'),
	(158, 'Can change price list assignment', 40, 'change_pricelistassignment'),
	(159, 'Can delete price list assignment', 40, 'delete_pricelistassignment'),
	(160, 'Can view price list assignment', 40, 'view_pricelistassignment'),
	(161, 'Can add workspace budget warning', 41, 'add_workspacebudgetwarning'),
	(162, 'Can change workspace budget warning', 41, 'change_workspacebudgetwarning'),
	(163, 'Can delete workspace budget warning', 41, 'delete_workspacebudgetwarning'),
	(164, 'Can view workspace budget warning', 41, 'view_workspacebudgetwarning'),
	(165, 'Can add failure rollup', 42, 'add_failurerollup'),
	(166, 'Can change failure rollup', 42, 'change_failurerollup'),
	(167, 'Can delete failure rollup', 42, 'delete_failurerollup'),
	(168, 'Can view failure rollup', 42, 'view_failurerollup'),
	(169, 'Can add payment', 43, 'add_payment'),
	(170, 'Can change payment', 43, 'change_payment'),
	(171, 'Can delete payment', 43, 'delete_payment'),
	(172, 'Can view payment', 43, 'view_payment'),
	(173, 'Can add payment customer', 44, 'add_paymentcustomer'),
	(174, 'Can change payment customer', 44, 'change_paymentcustomer'),
	(175, 'Can delete payment customer', 44, 'delete_paymentcustomer'),
	(176, 'Can view payment customer', 44, 'view_paymentcustomer'),
	(177, 'Can add payment dispute', 45, 'add_paymentdispute'),
	(178, 'Can change payment dispute', 45, 'change_paymentdispute'),
	(179, 'Can delete payment dispute', 45, 'delete_paymentdispute'),
	(180, 'Can view payment dispute', 45, 'view_paymentdispute'),
	(181, 'Can add payment movement', 46, 'add_paymentmovement'),
	(182, 'Can change payment movement', 46, 'change_paymentmovement'),
	(183, 'Can delete payment movement', 46, 'delete_paymentmovement'),
	(184, 'Can view payment movement', 46, 'view_paymentmovement'),
	(185, 'Can add provider event', 47, 'add_providerevent'),
	(186, 'Can change provider event', 47, 'change_providerevent'),
	(187, 'Can delete provider event', 47, 'delete_providerevent'),
	(188, 'Can view provider event', 47, 'view_providerevent'),
	(189, 'Can add stored image', 48, 'add_storedimage'),
	(190, 'Can change stored image', 48, 'change_storedimage'),
	(191, 'Can delete stored image', 48, 'delete_storedimage'),
	(192, 'Can view stored image', 48, 'view_storedimage'),
	(193, 'Can add tenant export', 49, 'add_tenantexport'),
	(194, 'Can change tenant export', 49, 'change_tenantexport'),
	(195, 'Can delete tenant export', 49, 'delete_tenantexport'),
	(196, 'Can view tenant export', 49, 'view_tenantexport'),
	(197, 'Can add image origin', 50, 'add_imageorigin'),
	(198, 'Can change image origin', 50, 'change_imageorigin'),
	(199, 'Can delete image origin', 50, 'delete_imageorigin'),
	(200, 'Can view image origin', 50, 'view_imageorigin');
INSERT INTO public.auth_permission VALUES
	(201, 'Can add origins until', 51, 'add_originsuntil'),
	(202, 'Can change origins until', 51, 'change_originsuntil'),
	(203, 'Can delete origins until', 51, 'delete_originsuntil'),
	(204, 'Can view origins until', 51, 'view_originsuntil'),
	(205, 'Can add channel', 52, 'add_channel'),
	(206, 'Can change channel', 52, 'change_channel'),
	(207, 'Can delete channel', 52, 'delete_channel'),
	(208, 'Can view channel', 52, 'view_channel'),
	(209, 'Can add contract', 53, 'add_contract'),
	(210, 'Can change contract', 53, 'change_contract'),
	(211, 'Can delete contract', 53, 'delete_contract'),
	(212, 'Can view contract', 53, 'view_contract'),
	(213, 'Can add worker', 54, 'add_worker'),
	(214, 'Can change worker', 54, 'change_worker'),
	(215, 'Can delete worker', 54, 'delete_worker'),
	(216, 'Can view worker', 54, 'view_worker'),
	(217, 'Can add generation', 55, 'add_generation'),
	(218, 'Can change generation', 55, 'change_generation'),
	(219, 'Can delete generation', 55, 'delete_generation'),
	(220, 'Can view generation', 55, 'view_generation'),
	(221, 'Can add attempt', 56, 'add_attempt'),
	(222, 'Can change attempt', 56, 'change_attempt'),
	(223, 'Can delete attempt', 56, 'delete_attempt'),
	(224, 'Can view attempt', 56, 'view_attempt'),
	(225, 'Can add idempotency record', 57, 'add_idempotencyrecord'),
	(226, 'Can change idempotency record', 57, 'change_idempotencyrecord'),
	(227, 'Can delete idempotency record', 57, 'delete_idempotencyrecord'),
	(228, 'Can view idempotency record', 57, 'view_idempotencyrecord'),
	(229, 'Can add route', 58, 'add_route'),
	(230, 'Can change route', 58, 'change_route'),
	(231, 'Can delete route', 58, 'delete_route'),
	(232, 'Can view route', 58, 'view_route'),
	(233, 'Can add prompts forgotten', 59, 'add_promptsforgotten'),
	(234, 'Can change prompts forgotten', 59, 'change_promptsforgotten'),
	(235, 'Can delete prompts forgotten', 59, 'delete_promptsforgotten'),
	(236, 'Can view prompts forgotten', 59, 'view_promptsforgotten'),
	(237, 'Can add watched day', 60, 'add_watchedday'),
	(238, 'Can change watched day', 60, 'change_watchedday'),
	(239, 'Can delete watched day', 60, 'delete_watchedday'),
	(240, 'Can view watched day', 60, 'view_watchedday'),
	(241, 'Can add cost table', 61, 'add_costtable'),
	(242, 'Can change cost table', 61, 'change_costtable'),
	(243, 'Can delete cost table', 61, 'delete_costtable'),
	(244, 'Can view cost table', 61, 'view_costtable'),
	(245, 'Can add channel event', 62, 'add_channelevent'),
	(246, 'Can change channel event', 62, 'change_channelevent'),
	(247, 'Can delete channel event', 62, 'delete_channelevent'),
	(248, 'Can view channel event', 62, 'view_channelevent'),
	(249, 'Can add attempt minute', 63, 'add_attemptminute'),
	(250, 'Can change attempt minute', 63, 'change_attemptminute'),
	(251, 'Can delete attempt minute', 63, 'delete_attemptminute'),
	(252, 'Can view attempt minute', 63, 'view_attemptminute'),
	(253, 'Can add refused request', 64, 'add_refusedrequest'),
	(254, 'Can change refused request', 64, 'change_refusedrequest'),
	(255, 'Can delete refused request', 64, 'delete_refusedrequest'),
	(256, 'Can view refused request', 64, 'view_refusedrequest'),
	(257, 'Can add pending revision', 65, 'add_pendingrevision'),
	(258, 'Can change pending revision', 65, 'change_pendingrevision'),
	(259, 'Can delete pending revision', 65, 'delete_pendingrevision'),
	(260, 'Can view pending revision', 65, 'view_pendingrevision'),
	(261, 'Can add channel trial', 66, 'add_channeltrial'),
	(262, 'Can change channel trial', 66, 'change_channeltrial'),
	(263, 'Can delete channel trial', 66, 'delete_channeltrial'),
	(264, 'Can view channel trial', 66, 'view_channeltrial'),
	(265, 'Can add condition', 67, 'add_condition'),
	(266, 'Can change condition', 67, 'change_condition'),
	(267, 'Can delete condition', 67, 'delete_condition'),
	(268, 'Can view condition', 67, 'view_condition'),
	(269, 'Can add condition look', 68, 'add_conditionlook'),
	(270, 'Can change condition look', 68, 'change_conditionlook'),
	(271, 'Can delete condition look', 68, 'delete_conditionlook'),
	(272, 'Can view condition look', 68, 'view_conditionlook'),
	(273, 'Can add stop', 69, 'add_stop'),
	(274, 'Can change stop', 69, 'change_stop'),
	(275, 'Can delete stop', 69, 'delete_stop'),
	(276, 'Can view stop', 69, 'view_stop'),
	(277, 'Can add incident', 70, 'add_incident'),
	(278, 'Can change incident', 70, 'change_incident'),
	(279, 'Can delete incident', 70, 'delete_incident'),
	(280, 'Can view incident', 70, 'view_incident'),
	(281, 'Can add incident update', 71, 'add_incidentupdate'),
	(282, 'Can change incident update', 71, 'change_incidentupdate'),
	(283, 'Can delete incident update', 71, 'delete_incidentupdate'),
	(284, 'Can view incident update', 71, 'view_incidentupdate'),
	(285, 'Can add sunset notice', 72, 'add_sunsetnotice'),
	(286, 'Can change sunset notice', 72, 'change_sunsetnotice'),
	(287, 'Can delete sunset notice', 72, 'delete_sunsetnotice'),
	(288, 'Can view sunset notice', 72, 'view_sunsetnotice'),
	(289, 'Can add vendor bill', 73, 'add_vendorbill'),
	(290, 'Can change vendor bill', 73, 'change_vendorbill'),
	(291, 'Can delete vendor bill', 73, 'delete_vendorbill'),
	(292, 'Can view vendor bill', 73, 'view_vendorbill'),
	(293, 'Can add bill line', 74, 'add_billline'),
	(294, 'Can change bill line', 74, 'change_billline'),
	(295, 'Can delete bill line', 74, 'delete_billline'),
	(296, 'Can view bill line', 74, 'view_billline'),
	(297, 'Can add alert address', 75, 'add_alertaddress'),
	(298, 'Can change alert address', 75, 'change_alertaddress'),
	(299, 'Can delete alert address', 75, 'delete_alertaddress'),
	(300, 'Can view alert address', 75, 'view_alertaddress'),
	(301, 'Can add alert rule', 76, 'add_alertrule'),
	(302, 'Can change alert rule', 76, 'change_alertrule'),
	(303, 'Can delete alert rule', 76, 'delete_alertrule'),
	(304, 'Can view alert rule', 76, 'view_alertrule'),
	(305, 'Can add alert sending', 77, 'add_alertsending'),
	(306, 'Can change alert sending', 77, 'change_alertsending'),
	(307, 'Can delete alert sending', 77, 'delete_alertsending'),
	(308, 'Can view alert sending', 77, 'view_alertsending'),
	(309, 'Can add alert sent', 78, 'add_alertsent'),
	(310, 'Can change alert sent', 78, 'change_alertsent'),
	(311, 'Can delete alert sent', 78, 'delete_alertsent'),
	(312, 'Can view alert sent', 78, 'view_alertsent'),
	(313, 'Can add tagged day', 79, 'add_taggedday'),
	(314, 'Can change tagged day', 79, 'change_taggedday'),
	(315, 'Can delete tagged day', 79, 'delete_taggedday'),
	(316, 'Can view tagged day', 79, 'view_taggedday'),
	(317, 'Can add tagged until', 80, 'add_taggeduntil'),
	(318, 'Can change tagged until', 80, 'change_taggeduntil'),
	(319, 'Can delete tagged until', 80, 'delete_taggeduntil'),
	(320, 'Can view tagged until', 80, 'view_taggeduntil'),
	(321, 'Can add open breaker', 81, 'add_openbreaker'),
	(322, 'Can change open breaker', 81, 'change_openbreaker'),
	(323, 'Can delete open breaker', 81, 'delete_openbreaker'),
	(324, 'Can view open breaker', 81, 'view_openbreaker'),
	(325, 'Can add permission', 82, 'add_permission'),
	(326, 'Can change permission', 82, 'change_permission'),
	(327, 'Can delete permission', 82, 'delete_permission'),
	(328, 'Can view permission', 82, 'view_permission'),
	(329, 'Can add group', 83, 'add_group'),
	(330, 'Can change group', 83, 'change_group'),
	(331, 'Can delete group', 83, 'delete_group'),
	(332, 'Can view group', 83, 'view_group'),
	(333, 'Can add email address', 84, 'add_emailaddress'),
	(334, 'Can change email address', 84, 'change_emailaddress'),
	(335, 'Can delete email address', 84, 'delete_emailaddress'),
	(336, 'Can view email address', 84, 'view_emailaddress'),
	(337, 'Can add email confirmation', 85, 'add_emailconfirmation'),
	(338, 'Can change email confirmation', 85, 'change_emailconfirmation'),
	(339, 'Can delete email confirmation', 85, 'delete_emailconfirmation'),
	(340, 'Can view email confirmation', 85, 'view_emailconfirmation'),
	(341, 'Can add authenticator', 86, 'add_authenticator'),
	(342, 'Can change authenticator', 86, 'change_authenticator'),
	(343, 'Can delete authenticator', 86, 'delete_authenticator'),
	(344, 'Can view authenticator', 86, 'view_authenticator');


INSERT INTO public.billing_account VALUES
	(1, 'platform_revenue', NULL),
	(2, 'upstream_cost', NULL),
	(3, 'upstream_payable', NULL),
	(4, 'losses', NULL),
	(5, 'top_ups', NULL),
	(6, 'credits', NULL),
	(7, 'refunding', NULL),
	(8, 'owed', NULL);


INSERT INTO public.django_content_type VALUES
	(1, 'contenttypes', 'contenttype'),
	(2, 'sessions', 'session'),
	(3, 'accounts', 'user'),
	(4, 'accounts', 'configrevision'),
	(5, 'accounts', 'tenant'),
	(6, 'accounts', 'membership'),
	(7, 'accounts', 'auditevent'),
	(8, 'accounts', 'apikey'),
	(9, 'accounts', 'auditlink'),
	(10, 'accounts', 'mail'),
	(11, 'accounts', 'invitation'),
	(12, 'accounts', 'signupcredit'),
	(13, 'accounts', 'supportgrant'),
	(14, 'accounts', 'memberchange'),
	(15, 'accounts', 'operatorkey'),
	(16, 'accounts', 'operatorcall'),
	(17, 'accounts', 'opensession'),
	(18, 'webhooks', 'event'),
	(19, 'webhooks', 'webhookendpoint'),
	(20, 'webhooks', 'delivery'),
	(21, 'webhooks', 'deliveryattempt'),
	(22, 'billing', 'account'),
	(23, 'billing', 'keybudget'),
	(24, 'billing', 'pricebook'),
	(25, 'billing', 'price'),
	(26, 'billing', 'tenantbalance'),
	(27, 'billing', 'transfer'),
	(28, 'billing', 'usagerollup'),
	(29, 'billing', 'balancealert'),
	(30, 'billing', 'budgetwarning'),
	(31, 'billing', 'pricebookwithdrawal'),
	(32, 'billing', 'unchargedcost'),
	(33, 'billing', 'ledgercheckpoint'),
	(34, 'billing', 'ledgerproof'),
	(35, 'billing', 'solduntil'),
	(36, 'billing', 'soldday'),
	(37, 'billing', 'ledgerhead'),
	(38, 'billing', 'moneymove'),
	(39, 'billing', 'pricelist'),
	(40, 'billing', 'pricelistassignment'),
	(41, 'billing', 'workspacebudgetwarning'),
	(42, 'billing', 'failurerollup'),
	(43, 'billing', 'payment'),
	(44, 'billing', 'paymentcustomer'),
	(45, 'billing', 'paymentdispute'),
	(46, 'billing', 'paymentmovement'),
	(47, 'billing', 'providerevent'),
	(48, 'storage', 'storedimage'),
	(49, 'storage', 'tenantexport'),
	(50, 'storage', 'imageorigin'),
	(51, 'storage', 'originsuntil'),
	(52, 'generation', 'channel'),
	(53, 'generation', 'contract'),
	(54, 'generation', 'worker'),
	(55, 'generation', 'generation'),
	(56, 'generation', 'attempt'),
	(57, 'generation', 'idempotencyrecord'),
	(58, 'generation', 'route'),
	(59, 'generation', 'promptsforgotten'),
	(60, 'generation', 'watchedday'),
	(61, 'generation', 'costtable'),
	(62, 'generation', 'channelevent'),
	(63, 'generation', 'attemptminute'),
	(64, 'generation', 'refusedrequest'),
	(65, 'generation', 'pendingrevision'),
	(66, 'generation', 'channeltrial'),
	(67, 'generation', 'condition'),
	(68, 'generation', 'conditionlook'),
	(69, 'generation', 'stop'),
	(70, 'generation', 'incident'),
	(71, 'generation', 'incidentupdate'),
	(72, 'generation', 'sunsetnotice'),
	(73, 'generation', 'vendorbill'),
	(74, 'generation', 'billline'),
	(75, 'generation', 'alertaddress'),
	(76, 'generation', 'alertrule'),
	(77, 'generation', 'alertsending'),
	(78, 'generation', 'alertsent'),
	(79, 'generation', 'taggedday'),
	(80, 'generation', 'taggeduntil'),
	(81, 'generation', 'openbreaker'),
	(82, 'auth', 'permission'),
	(83, 'auth', 'group'),
	(84, 'account', 'emailaddress'),
	(85, 'account', 'emailconfirmation'),
	(86, 'mfa', 'authenticator');


INSERT INTO public.django_migrations VALUES
	(1, 'contenttypes', '0001_initial', now()),
	(2, 'contenttypes', '0002_remove_content_type_name', now()),
	(3, 'auth', '0001_initial', now()),
	(4, 'auth', '0002_alter_permission_name_max_length', now()),
	(5, 'auth', '0003_alter_user_email_max_length', now()),
	(6, 'auth', '0004_alter_user_username_opts', now()),
	(7, 'auth', '0005_alter_user_last_login_null', now()),
	(8, 'auth', '0006_require_contenttypes_0002', now()),
	(9, 'auth', '0007_alter_validators_add_error_messages', now()),
	(10, 'auth', '0008_alter_user_username_max_length', now()),
	(11, 'auth', '0009_alter_user_last_name_max_length', now()),
	(12, 'auth', '0010_alter_group_name_max_length', now()),
	(13, 'auth', '0011_update_proxy_permissions', now()),
	(14, 'auth', '0012_alter_user_first_name_max_length', now()),
	(15, 'accounts', '0001_squashed_0017_budgets_that_warn', now()),
	(16, 'account', '0001_initial', now()),
	(17, 'account', '0002_email_max_length', now()),
	(18, 'account', '0003_alter_emailaddress_create_unique_verified_email', now()),
	(19, 'account', '0004_alter_emailaddress_drop_unique_email', now()),
	(20, 'account', '0005_emailaddress_idx_upper_email', now()),
	(21, 'account', '0006_emailaddress_lower', now()),
	(22, 'account', '0007_emailaddress_idx_email', now()),
	(23, 'account', '0008_emailaddress_unique_primary_email_fixup', now()),
	(24, 'account', '0009_emailaddress_unique_primary_email', now()),
	(25, 'sessions', '0001_initial', now()),
	(26, 'accounts', '0002_sessions_by_digest', now()),
	(27, 'accounts', '0003_encrypted_mail', now()),
	(28, 'accounts', '0004_sessions_ended', now()),
	(29, 'accounts', '0005_sign_up_credit', now()),
	(30, 'accounts', '0006_kept_and_stored', now()),
	(31, 'accounts', '0007_uncharged_ceiling', now()),
	(32, 'accounts', '0008_staff_roles', now()),
	(33, 'accounts', '0009_invitations_of_staff', now()),
	(34, 'accounts', '0010_support_view', now()),
	(35, 'accounts', '0011_audit_indexes', now()),
	(36, 'accounts', '0012_own_tenants', now()),
	(37, 'accounts', '0013_owners_have_a_say', now()),
	(38, 'accounts', '0014_staffs_invitations_end', now()),
	(39, 'accounts', '0015_operator_keys', now()),
	(40, 'accounts', '0016_unmarked_images', now()),
	(41, 'accounts', '0017_open_sessions', now()),
	(42, 'accounts', '0018_hidden_start', now()),
	(43, 'billing', '0001_squashed_0013_holds_in_the_database', now()),
	(44, 'billing', '0002_withdrawn_price_books', now()),
	(45, 'billing', '0003_uncharged_cost', now()),
	(46, 'billing', '0004_ledger_proofs', now()),
	(47, 'billing', '0005_usage_times', now()),
	(48, 'billing', '0006_times_of_before', now()),
	(49, 'billing', '0007_reversals_and_corrections', now()),
	(50, 'billing', '0008_indexes_of_reversals', now()),
	(51, 'billing', '0009_sold_days', now()),
	(52, 'billing', '0010_ledger_heads', now()),
	(53, 'billing', '0011_money_moves', now()),
	(54, 'billing', '0012_credits_for_outages', now()),
	(55, 'billing', '0013_credits_by_their_time', now()),
	(56, 'billing', '0014_price_lists', now()),
	(57, 'billing', '0015_moves_booked_alone', now()),
	(58, 'billing', '0016_holds_together', now()),
	(59, 'billing', '0017_thresholds_of_budgets', now()),
	(60, 'billing', '0018_warnings_of_workspaces', now()),
	(61, 'billing', '0019_failures', now()),
	(62, 'billing', '0020_words_of_quality', now()),
	(63, 'billing', '0021_prices_by_pixels', now()),
	(64, 'billing', '0022_owed', now()),
	(65, 'billing', '0023_indexes_of_owed', now()),
	(66, 'billing', '0024_payments', now()),
	(67, 'storage', '0001_squashed_0008_fewer_indexes', now()),
	(68, 'storage', '0002_sums_of_images', now()),
	(69, 'webhooks', '0001_squashed_0002_modes', now()),
	(70, 'webhooks', '0002_events_of_tests', now()),
	(71, 'webhooks', '0003_endpoints_of_the_house', now()),
	(72, 'generation', '0001_squashed_0021_fewer_indexes', now()),
	(73, 'generation', '0022_defaults_of_openai', now()),
	(74, 'generation', '0023_words_of_tests', now()),
	(75, 'generation', '0024_fair_slots', now()),
	(76, 'generation', '0025_rows_of_tests', now()),
	(77, 'generation', '0026_storage_trouble', now()),
	(78, 'generation', '0027_attempt_costs', now()),
	(79, 'generation', '0027_cost_tables', now()),
	(80, 'generation', '0028_channel_events', now()),
	(81, 'generation', '0029_minutes_of_calls', now()),
	(82, 'generation', '0030_words_of_errors', now()),
	(83, 'generation', '0031_refused_requests', now()),
	(84, 'generation', '0032_upstream_request_ids', now()),
	(85, 'generation', '0033_approved_routes', now()),
	(86, 'generation', '0034_archived_channels', now()),
	(87, 'generation', '0035_conditions', now()),
	(88, 'generation', '0036_stops', now()),
	(89, 'generation', '0037_workers_say_more', now()),
	(90, 'generation', '0038_incidents', now()),
	(91, 'generation', '0039_life_of_a_model', now()),
	(92, 'generation', '0040_routes_retire', now()),
	(93, 'generation', '0041_sunset_notices', now()),
	(94, 'generation', '0042_bills_of_vendors', now()),
	(95, 'generation', '0043_alerts', now()),
	(96, 'generation', '0044_lines_keyed_by_vendors_words', now()),
	(97, 'generation', '0045_decided_lines', now()),
	(98, 'generation', '0046_codes_of_alert_tests', now()),
	(99, 'generation', '0047_failures_counted', now()),
	(100, 'generation', '0048_failures_of_before', now()),
	(101, 'generation', '0049_usage_by_tag', now()),
	(102, 'generation', '0050_contracts_as_files', now()),
	(103, 'generation', '0051_costs_by_pixels', now()),
	(104, 'generation', '0052_rules_of_sizes', now()),
	(105, 'generation', '0053_channel_settings', now()),
	(106, 'generation', '0054_revision_settings', now()),
	(107, 'generation', '0055_jobs_of_attempts', now()),
	(108, 'generation', '0056_attempts_with_jobs', now()),
	(109, 'generation', '0057_queue_seconds', now()),
	(110, 'generation', '0058_words_of_channel_events', now()),
	(111, 'generation', '0059_open_breakers', now()),
	(112, 'generation', '0060_field_maps', now()),
	(113, 'generation', '0061_content_credentials', now()),
	(114, 'generation', '0062_workers_that_sign', now()),
	(115, 'mfa', '0001_initial', now()),
	(116, 'mfa', '0002_authenticator_timestamps', now()),
	(117, 'mfa', '0003_authenticator_type_uniq', now()),
	(118, 'storage', '0003_exports_cut_off', now()),
	(119, 'storage', '0004_exports_of_staff', now()),
	(120, 'storage', '0005_content_credentials', now()),
	(121, 'storage', '0006_image_origins', now());


INSERT INTO public.generation_taggeduntil VALUES
	(1, 0, NULL);


SELECT pg_catalog.setval('public.account_emailaddress_id_seq', 1, false);


SELECT pg_catalog.setval('public.account_emailconfirmation_id_seq', 1, false);


SELECT pg_catalog.setval('public.accounts_auditevent_id_seq', 1, false);


SELECT pg_catalog.setval('public.accounts_config_revision', 15, true);


SELECT pg_catalog.setval('public.accounts_membership_id_seq', 1, false);


SELECT pg_catalog.setval('public.accounts_signupcredit_id_seq', 1, false);


SELECT pg_catalog.setval('public.accounts_user_groups_id_seq', 1, false);


SELECT pg_catalog.setval('public.accounts_user_user_permissions_id_seq', 1, false);


SELECT pg_catalog.setval('public.auth_group_id_seq', 1, false);


SELECT pg_catalog.setval('public.auth_group_permissions_id_seq', 1, false);


SELECT pg_catalog.setval('public.auth_permission_id_seq', 344, true);


SELECT pg_catalog.setval('public.billing_account_id_seq', 1000, false);


SELECT pg_catalog.setval('public.billing_budgetwarning_id_seq', 1, false);


SELECT pg_catalog.setval('public.billing_failurerollup_id_seq', 1, false);


SELECT pg_catalog.setval('public.billing_price_id_seq', 1, false);


SELECT pg_catalog.setval('public.billing_pricebook_id_seq', 1, false);


SELECT pg_catalog.setval('public.billing_pricelistassignment_id_seq', 1, false);


SELECT pg_catalog.setval('public.billing_soldday_id_seq', 1, false);


SELECT pg_catalog.setval('public.billing_solduntil_id_seq', 1, false);


SELECT pg_catalog.setval('public.billing_transfer_id_seq', 1, false);


SELECT pg_catalog.setval('public.billing_unchargedcost_id_seq', 1, false);


SELECT pg_catalog.setval('public.billing_usagerollup_id_seq', 1, false);


SELECT pg_catalog.setval('public.billing_workspacebudgetwarning_id_seq', 1, false);


SELECT pg_catalog.setval('public.django_content_type_id_seq', 86, true);


SELECT pg_catalog.setval('public.django_migrations_id_seq', 121, true);


SELECT pg_catalog.setval('public.generation_alertsent_id_seq', 1, false);


SELECT pg_catalog.setval('public.generation_attemptminute_id_seq', 1, false);


SELECT pg_catalog.setval('public.generation_billline_id_seq', 1, false);


SELECT pg_catalog.setval('public.generation_channel_id_seq', 1, false);


SELECT pg_catalog.setval('public.generation_channelevent_id_seq', 1, false);


SELECT pg_catalog.setval('public.generation_condition_id_seq', 1, false);


SELECT pg_catalog.setval('public.generation_costtable_id_seq', 1, false);


SELECT pg_catalog.setval('public.generation_idempotencyrecord_id_seq', 1, false);


SELECT pg_catalog.setval('public.generation_incident_id_seq', 1, false);


SELECT pg_catalog.setval('public.generation_incidentupdate_id_seq', 1, false);


SELECT pg_catalog.setval('public.generation_openbreaker_id_seq', 1, false);


SELECT pg_catalog.setval('public.generation_pendingrevision_id_seq', 1, false);


SELECT pg_catalog.setval('public.generation_route_id_seq', 1, false);


SELECT pg_catalog.setval('public.generation_stop_id_seq', 1, false);


SELECT pg_catalog.setval('public.generation_sunsetnotice_id_seq', 1, false);


SELECT pg_catalog.setval('public.generation_taggedday_id_seq', 1, false);


SELECT pg_catalog.setval('public.generation_taggeduntil_id_seq', 1, false);


SELECT pg_catalog.setval('public.generation_vendorbill_id_seq', 1, false);


SELECT pg_catalog.setval('public.generation_watchedday_id_seq', 1, false);


SELECT pg_catalog.setval('public.mfa_authenticator_id_seq', 1, false);


SELECT pg_catalog.setval('public.storage_originsuntil_id_seq', 1, false);


SELECT pg_catalog.setval('public.webhooks_deliveryattempt_id_seq', 1, false);


ALTER TABLE ONLY public.account_emailaddress
    ADD CONSTRAINT account_emailaddress_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.account_emailaddress
    ADD CONSTRAINT account_emailaddress_user_id_email_987c8728_uniq UNIQUE (user_id, email);


ALTER TABLE ONLY public.account_emailconfirmation
    ADD CONSTRAINT account_emailconfirmation_key_key UNIQUE (key);


ALTER TABLE ONLY public.account_emailconfirmation
    ADD CONSTRAINT account_emailconfirmation_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.accounts_apikey
    ADD CONSTRAINT accounts_apikey_digest_key UNIQUE (digest);


ALTER TABLE ONLY public.accounts_apikey
    ADD CONSTRAINT accounts_apikey_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.accounts_apikey
    ADD CONSTRAINT accounts_apikey_previous_digest_key UNIQUE (previous_digest);


ALTER TABLE ONLY public.accounts_auditevent
    ADD CONSTRAINT accounts_auditevent_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.accounts_auditlink
    ADD CONSTRAINT accounts_auditlink_event_id_key UNIQUE (event_id);


ALTER TABLE ONLY public.accounts_auditlink
    ADD CONSTRAINT accounts_auditlink_pkey PRIMARY KEY (seq);


ALTER TABLE ONLY public.accounts_configrevision
    ADD CONSTRAINT accounts_configrevision_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.accounts_invitation
    ADD CONSTRAINT accounts_invitation_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.accounts_mail
    ADD CONSTRAINT accounts_mail_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.accounts_memberchange
    ADD CONSTRAINT accounts_memberchange_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.accounts_membership
    ADD CONSTRAINT accounts_membership_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.accounts_opensession
    ADD CONSTRAINT accounts_opensession_pkey PRIMARY KEY (digest);


ALTER TABLE ONLY public.accounts_operatorcall
    ADD CONSTRAINT accounts_operatorcall_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.accounts_operatorkey
    ADD CONSTRAINT accounts_operatorkey_digest_key UNIQUE (digest);


ALTER TABLE ONLY public.accounts_operatorkey
    ADD CONSTRAINT accounts_operatorkey_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.accounts_signupcredit
    ADD CONSTRAINT accounts_signupcredit_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.accounts_supportgrant
    ADD CONSTRAINT accounts_supportgrant_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.accounts_tenant
    ADD CONSTRAINT accounts_tenant_name_key UNIQUE (name);


ALTER TABLE ONLY public.accounts_tenant
    ADD CONSTRAINT accounts_tenant_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.accounts_user
    ADD CONSTRAINT accounts_user_email_key UNIQUE (email);


ALTER TABLE ONLY public.accounts_user_groups
    ADD CONSTRAINT accounts_user_groups_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.accounts_user_groups
    ADD CONSTRAINT accounts_user_groups_user_id_group_id_59c0b32f_uniq UNIQUE (user_id, group_id);


ALTER TABLE ONLY public.accounts_user
    ADD CONSTRAINT accounts_user_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.accounts_user_user_permissions
    ADD CONSTRAINT accounts_user_user_permi_user_id_permission_id_2ab516c2_uniq UNIQUE (user_id, permission_id);


ALTER TABLE ONLY public.accounts_user_user_permissions
    ADD CONSTRAINT accounts_user_user_permissions_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_alertsent
    ADD CONSTRAINT alert_sent_once UNIQUE (rule_id, kind, object, opened_at, occasion, number);


ALTER TABLE ONLY public.generation_attempt
    ADD CONSTRAINT attempt_number_once UNIQUE (generation_id, dispatch, number);


ALTER TABLE ONLY public.auth_group
    ADD CONSTRAINT auth_group_name_key UNIQUE (name);


ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_group_id_permission_id_0cd325b0_uniq UNIQUE (group_id, permission_id);


ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.auth_group
    ADD CONSTRAINT auth_group_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_content_type_id_codename_01ab375a_uniq UNIQUE (content_type_id, codename);


ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.billing_account
    ADD CONSTRAINT billing_account_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.billing_balancealert
    ADD CONSTRAINT billing_balancealert_pkey PRIMARY KEY (tenant_id);


ALTER TABLE ONLY public.billing_budgetwarning
    ADD CONSTRAINT billing_budgetwarning_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.billing_failurerollup
    ADD CONSTRAINT billing_failurerollup_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.billing_keybudget
    ADD CONSTRAINT billing_keybudget_pkey PRIMARY KEY (key_id);


ALTER TABLE ONLY public.billing_ledgercheckpoint
    ADD CONSTRAINT billing_ledgercheckpoint_pkey PRIMARY KEY (name);


ALTER TABLE ONLY public.billing_ledgerhead
    ADD CONSTRAINT billing_ledgerhead_pkey PRIMARY KEY (day);


ALTER TABLE ONLY public.billing_ledgerproof
    ADD CONSTRAINT billing_ledgerproof_pkey PRIMARY KEY (kind);


ALTER TABLE ONLY public.billing_moneymove
    ADD CONSTRAINT billing_moneymove_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.billing_payment
    ADD CONSTRAINT billing_payment_charge_id_key UNIQUE (charge_id);


ALTER TABLE ONLY public.billing_payment
    ADD CONSTRAINT billing_payment_invoice_id_key UNIQUE (invoice_id);


ALTER TABLE ONLY public.billing_payment
    ADD CONSTRAINT billing_payment_payment_intent_id_key UNIQUE (payment_intent_id);


ALTER TABLE ONLY public.billing_payment
    ADD CONSTRAINT billing_payment_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.billing_payment
    ADD CONSTRAINT billing_payment_session_id_key UNIQUE (session_id);


ALTER TABLE ONLY public.billing_paymentcustomer
    ADD CONSTRAINT billing_paymentcustomer_pkey PRIMARY KEY (tenant_id);


ALTER TABLE ONLY public.billing_paymentcustomer
    ADD CONSTRAINT billing_paymentcustomer_provider_id_key UNIQUE (provider_id);


ALTER TABLE ONLY public.billing_paymentdispute
    ADD CONSTRAINT billing_paymentdispute_pkey PRIMARY KEY (provider_id);


ALTER TABLE ONLY public.billing_paymentmovement
    ADD CONSTRAINT billing_paymentmovement_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.billing_paymentmovement
    ADD CONSTRAINT billing_paymentmovement_provider_id_key UNIQUE (provider_id);


ALTER TABLE ONLY public.billing_price
    ADD CONSTRAINT billing_price_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.billing_pricebook
    ADD CONSTRAINT billing_pricebook_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.billing_pricebookwithdrawal
    ADD CONSTRAINT billing_pricebookwithdrawal_pkey PRIMARY KEY (book_id);


ALTER TABLE ONLY public.billing_pricelist
    ADD CONSTRAINT billing_pricelist_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.billing_pricelistassignment
    ADD CONSTRAINT billing_pricelistassignment_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.billing_providerevent
    ADD CONSTRAINT billing_providerevent_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.billing_soldday
    ADD CONSTRAINT billing_soldday_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.billing_solduntil
    ADD CONSTRAINT billing_solduntil_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.billing_tenantbalance
    ADD CONSTRAINT billing_tenantbalance_available_account_id_key UNIQUE (available_account_id);


ALTER TABLE ONLY public.billing_tenantbalance
    ADD CONSTRAINT billing_tenantbalance_held_account_id_key UNIQUE (held_account_id);


ALTER TABLE ONLY public.billing_tenantbalance
    ADD CONSTRAINT billing_tenantbalance_pkey PRIMARY KEY (tenant_id);


ALTER TABLE ONLY public.billing_transfer
    ADD CONSTRAINT billing_transfer_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.billing_unchargedcost
    ADD CONSTRAINT billing_unchargedcost_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.billing_usagerollup
    ADD CONSTRAINT billing_usagerollup_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.billing_workspacebudgetwarning
    ADD CONSTRAINT billing_workspacebudgetwarning_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_openbreaker
    ADD CONSTRAINT breaker_opened_once UNIQUE (channel_id, reset_count, model);


ALTER TABLE ONLY public.generation_condition
    ADD CONSTRAINT condition_once UNIQUE (kind, object);


ALTER TABLE ONLY public.django_content_type
    ADD CONSTRAINT django_content_type_app_label_model_76bd3d3b_uniq UNIQUE (app_label, model);


ALTER TABLE ONLY public.django_content_type
    ADD CONSTRAINT django_content_type_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.django_migrations
    ADD CONSTRAINT django_migrations_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.django_session
    ADD CONSTRAINT django_session_pkey PRIMARY KEY (session_key);


ALTER TABLE ONLY public.generation_alertaddress
    ADD CONSTRAINT generation_alertaddress_pkey PRIMARY KEY (address);


ALTER TABLE ONLY public.generation_alertrule
    ADD CONSTRAINT generation_alertrule_endpoint_id_key UNIQUE (endpoint_id);


ALTER TABLE ONLY public.generation_alertrule
    ADD CONSTRAINT generation_alertrule_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_alertsending
    ADD CONSTRAINT generation_alertsending_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_alertsent
    ADD CONSTRAINT generation_alertsent_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_attempt
    ADD CONSTRAINT generation_attempt_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_attemptminute
    ADD CONSTRAINT generation_attemptminute_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_billline
    ADD CONSTRAINT generation_billline_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_channel
    ADD CONSTRAINT generation_channel_name_key UNIQUE (name);


ALTER TABLE ONLY public.generation_channel
    ADD CONSTRAINT generation_channel_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_channelevent
    ADD CONSTRAINT generation_channelevent_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_channeltrial
    ADD CONSTRAINT generation_channeltrial_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_condition
    ADD CONSTRAINT generation_condition_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_conditionlook
    ADD CONSTRAINT generation_conditionlook_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_contract
    ADD CONSTRAINT generation_contract_pkey PRIMARY KEY (model);


ALTER TABLE ONLY public.generation_costtable
    ADD CONSTRAINT generation_costtable_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_generation
    ADD CONSTRAINT generation_generation_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_idempotencyrecord
    ADD CONSTRAINT generation_idempotencyrecord_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_incident
    ADD CONSTRAINT generation_incident_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_incidentupdate
    ADD CONSTRAINT generation_incidentupdate_once_key UNIQUE (once);


ALTER TABLE ONLY public.generation_incidentupdate
    ADD CONSTRAINT generation_incidentupdate_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_openbreaker
    ADD CONSTRAINT generation_openbreaker_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_pendingrevision
    ADD CONSTRAINT generation_pendingrevision_channel_id_key UNIQUE (channel_id);


ALTER TABLE ONLY public.generation_pendingrevision
    ADD CONSTRAINT generation_pendingrevision_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_promptsforgotten
    ADD CONSTRAINT generation_promptsforgotten_pkey PRIMARY KEY (tenant_id);


ALTER TABLE ONLY public.generation_refusedrequest
    ADD CONSTRAINT generation_refusedrequest_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_route
    ADD CONSTRAINT generation_route_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_stop
    ADD CONSTRAINT generation_stop_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_sunsetnotice
    ADD CONSTRAINT generation_sunsetnotice_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_taggedday
    ADD CONSTRAINT generation_taggedday_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_taggeduntil
    ADD CONSTRAINT generation_taggeduntil_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_vendorbill
    ADD CONSTRAINT generation_vendorbill_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_watchedday
    ADD CONSTRAINT generation_watchedday_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_worker
    ADD CONSTRAINT generation_worker_pkey PRIMARY KEY (epoch);


ALTER TABLE ONLY public.generation_idempotencyrecord
    ADD CONSTRAINT idempotency_key_once UNIQUE (tenant_id, livemode, key);


ALTER TABLE ONLY public.mfa_authenticator
    ADD CONSTRAINT mfa_authenticator_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.generation_attemptminute
    ADD CONSTRAINT minute_of_calls_once UNIQUE (minute, channel_id, model, attempt_class);


ALTER TABLE ONLY public.billing_account
    ADD CONSTRAINT one_account_of_a_kind UNIQUE NULLS NOT DISTINCT (tenant_id, kind);


ALTER TABLE ONLY public.billing_pricebook
    ADD CONSTRAINT one_book_per_version UNIQUE (name, version);


ALTER TABLE ONLY public.billing_budgetwarning
    ADD CONSTRAINT one_budget_warning_per_window UNIQUE (key_id, period, "window", most_micros);


ALTER TABLE ONLY public.accounts_memberchange
    ADD CONSTRAINT one_change_per_address UNIQUE (tenant_id, email);


ALTER TABLE ONLY public.webhooks_delivery
    ADD CONSTRAINT one_delivery_per_endpoint UNIQUE (event_id, endpoint_id);


ALTER TABLE ONLY public.billing_failurerollup
    ADD CONSTRAINT one_failure_rollup_per_hour UNIQUE (tenant_id, hour, key_id, model, tier, code);


ALTER TABLE ONLY public.accounts_invitation
    ADD CONSTRAINT one_invitation_per_address UNIQUE (tenant_id, email);


ALTER TABLE ONLY public.accounts_membership
    ADD CONSTRAINT one_membership_per_tenant UNIQUE (user_id, tenant_id);


ALTER TABLE ONLY public.billing_price
    ADD CONSTRAINT one_price_per_row UNIQUE (book_id, model, size, quality);


ALTER TABLE ONLY public.billing_usagerollup
    ADD CONSTRAINT one_rollup_per_hour UNIQUE (tenant_id, hour, key_id, model, tier, channel, status);


ALTER TABLE ONLY public.billing_transfer
    ADD CONSTRAINT one_transfer_per_seq UNIQUE (tenant_id, seq);


ALTER TABLE ONLY public.billing_unchargedcost
    ADD CONSTRAINT one_uncharged_cost_per_day UNIQUE (tenant_id, day, loss);


ALTER TABLE ONLY public.billing_workspacebudgetwarning
    ADD CONSTRAINT one_workspace_budget_warning_per_window UNIQUE (tenant_id, period, "window", most_micros);


ALTER TABLE ONLY public.generation_route
    ADD CONSTRAINT route_once_per_channel UNIQUE (channel_id, contract_id);


ALTER TABLE ONLY public.billing_soldday
    ADD CONSTRAINT sold_once_a_day UNIQUE NULLS NOT DISTINCT (day, tenant_id, is_demo, model, asked, delivered, quality, channel);


ALTER TABLE ONLY public.storage_imageorigin
    ADD CONSTRAINT storage_imageorigin_pkey PRIMARY KEY (image_id);


ALTER TABLE ONLY public.storage_originsuntil
    ADD CONSTRAINT storage_originsuntil_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.storage_storedimage
    ADD CONSTRAINT storage_storedimage_object_key_key UNIQUE (object_key);


ALTER TABLE ONLY public.storage_storedimage
    ADD CONSTRAINT storage_storedimage_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.storage_tenantexport
    ADD CONSTRAINT storage_tenantexport_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.storage_storedimage
    ADD CONSTRAINT stored_image_once_per_generation UNIQUE (generation_id, index);


ALTER TABLE ONLY public.generation_taggedday
    ADD CONSTRAINT tagged_once_a_day UNIQUE (tenant_id, day, part, tag);


ALTER TABLE ONLY public.generation_sunsetnotice
    ADD CONSTRAINT told_once_of_a_sunset UNIQUE (model, sunset_at, successor, days, tenant_id);


ALTER TABLE ONLY public.generation_watchedday
    ADD CONSTRAINT watched_day_once UNIQUE (part, day);


ALTER TABLE ONLY public.webhooks_delivery
    ADD CONSTRAINT webhooks_delivery_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.webhooks_deliveryattempt
    ADD CONSTRAINT webhooks_deliveryattempt_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.webhooks_event
    ADD CONSTRAINT webhooks_event_pkey PRIMARY KEY (id);


ALTER TABLE ONLY public.webhooks_webhookendpoint
    ADD CONSTRAINT webhooks_webhookendpoint_pkey PRIMARY KEY (id);


CREATE INDEX account_emailaddress_email_03be32b2 ON public.account_emailaddress USING btree (email);


CREATE INDEX account_emailaddress_email_03be32b2_like ON public.account_emailaddress USING btree (email varchar_pattern_ops);


CREATE INDEX account_emailaddress_user_id_2c513194 ON public.account_emailaddress USING btree (user_id);


CREATE INDEX account_emailconfirmation_email_address_id_5b7f8c58 ON public.account_emailconfirmation USING btree (email_address_id);


CREATE INDEX account_emailconfirmation_key_f43612bd_like ON public.account_emailconfirmation USING btree (key varchar_pattern_ops);


CREATE INDEX accounts_apikey_created_by_id_1b5317c8 ON public.accounts_apikey USING btree (created_by_id);


CREATE INDEX accounts_apikey_limited_by_id_52d31bb3 ON public.accounts_apikey USING btree (limited_by_id);


CREATE INDEX accounts_apikey_tenant_id_0c698ed1 ON public.accounts_apikey USING btree (tenant_id);


CREATE INDEX accounts_auditevent_actor_id_179eee89 ON public.accounts_auditevent USING btree (actor_id);


CREATE INDEX accounts_auditevent_tenant_id_6a97e9fe ON public.accounts_auditevent USING btree (tenant_id);


CREATE INDEX accounts_invitation_invited_by_id_94a21efc ON public.accounts_invitation USING btree (invited_by_id);


CREATE INDEX accounts_invitation_tenant_id_3b426b19 ON public.accounts_invitation USING btree (tenant_id);


CREATE INDEX accounts_memberchange_approved_by_id_3e2e3eab ON public.accounts_memberchange USING btree (approved_by_id);


CREATE INDEX accounts_memberchange_asked_by_id_0fa3fd08 ON public.accounts_memberchange USING btree (asked_by_id);


CREATE INDEX accounts_memberchange_heir_id_d1b959a3 ON public.accounts_memberchange USING btree (heir_id);


CREATE INDEX accounts_membership_tenant_id_be1e9f15 ON public.accounts_membership USING btree (tenant_id);


CREATE INDEX accounts_membership_user_id_487fb39e ON public.accounts_membership USING btree (user_id);


CREATE INDEX accounts_opensession_digest_3e1846da_like ON public.accounts_opensession USING btree (digest varchar_pattern_ops);


CREATE INDEX accounts_opensession_user_id_e6142668 ON public.accounts_opensession USING btree (user_id);


CREATE INDEX accounts_operatorcall_key_id_53d6fa5c ON public.accounts_operatorcall USING btree (key_id);


CREATE INDEX accounts_operatorkey_made_by_id_2512d034 ON public.accounts_operatorkey USING btree (made_by_id);


CREATE INDEX accounts_supportgrant_tenant_id_d628bd45 ON public.accounts_supportgrant USING btree (tenant_id);


CREATE INDEX accounts_supportgrant_user_id_7bb81b9f ON public.accounts_supportgrant USING btree (user_id);


CREATE INDEX accounts_tenant_name_62906664_like ON public.accounts_tenant USING btree (name varchar_pattern_ops);


CREATE INDEX accounts_user_email_b2644a56_like ON public.accounts_user USING btree (email varchar_pattern_ops);


CREATE INDEX accounts_user_groups_group_id_bd11a704 ON public.accounts_user_groups USING btree (group_id);


CREATE INDEX accounts_user_groups_user_id_52b62117 ON public.accounts_user_groups USING btree (user_id);


CREATE INDEX accounts_user_user_permissions_permission_id_113bb443 ON public.accounts_user_user_permissions USING btree (permission_id);


CREATE INDEX accounts_user_user_permissions_user_id_e4f0a161 ON public.accounts_user_user_permissions USING btree (user_id);


CREATE UNIQUE INDEX alert_rule_by_name ON public.generation_alertrule USING btree (name) WHERE (archived_at IS NULL);


CREATE INDEX alert_sending_by_rule ON public.generation_alertsending USING btree (rule_id, id);


CREATE INDEX alert_sending_by_time ON public.generation_alertsending USING btree (at);


CREATE INDEX alert_sent_standing ON public.generation_alertsent USING btree (rule_id) WHERE (NOT is_over);


CREATE INDEX attempt_by_upstream_id ON public.generation_attempt USING brin (upstream_request_id text_bloom_ops (n_distinct_per_range='800')) WITH (autosummarize='on', pages_per_range='16');


CREATE INDEX attempt_with_jobs ON public.generation_attempt USING btree (generation_id) WHERE (jobs IS NOT NULL);


CREATE INDEX audit_by_action ON public.accounts_auditevent USING btree (action varchar_pattern_ops, at DESC);


CREATE INDEX audit_by_actor ON public.accounts_auditevent USING btree (actor_name varchar_pattern_ops, at DESC);


CREATE INDEX audit_by_object ON public.accounts_auditevent USING btree (object_type, object_id);


CREATE INDEX audit_by_object_id ON public.accounts_auditevent USING btree (object_id, at DESC);


CREATE INDEX audit_by_tenant ON public.accounts_auditevent USING btree (tenant_id, at DESC);


CREATE INDEX audit_by_time ON public.accounts_auditevent USING btree (at DESC);


CREATE INDEX auth_group_name_a6ea08ec_like ON public.auth_group USING btree (name varchar_pattern_ops);


CREATE INDEX auth_group_permissions_group_id_b120cbf9 ON public.auth_group_permissions USING btree (group_id);


CREATE INDEX auth_group_permissions_permission_id_84c5c92e ON public.auth_group_permissions USING btree (permission_id);


CREATE INDEX auth_permission_content_type_id_2f476e4b ON public.auth_permission USING btree (content_type_id);


CREATE INDEX automatic_top_ups ON public.billing_paymentcustomer USING btree (next_at) WHERE ((consented_by_id IS NOT NULL) AND ((paused_for)::text = ''::text));


CREATE INDEX billing_account_tenant_id_baa7863c ON public.billing_account USING btree (tenant_id);


CREATE INDEX billing_budgetwarning_key_id_8082d00b ON public.billing_budgetwarning USING btree (key_id);


CREATE INDEX billing_ledgercheckpoint_name_df950654_like ON public.billing_ledgercheckpoint USING btree (name varchar_pattern_ops);


CREATE INDEX billing_ledgerproof_kind_7c9bc583_like ON public.billing_ledgerproof USING btree (kind varchar_pattern_ops);


CREATE INDEX billing_payment_charge_id_62020e2f_like ON public.billing_payment USING btree (charge_id varchar_pattern_ops);


CREATE INDEX billing_payment_invoice_id_998dd3c5_like ON public.billing_payment USING btree (invoice_id varchar_pattern_ops);


CREATE INDEX billing_payment_payment_intent_id_d886d68f_like ON public.billing_payment USING btree (payment_intent_id varchar_pattern_ops);


CREATE INDEX billing_payment_session_id_be4084ef_like ON public.billing_payment USING btree (session_id varchar_pattern_ops);


CREATE INDEX billing_paymentcustomer_provider_id_5feca8c2_like ON public.billing_paymentcustomer USING btree (provider_id varchar_pattern_ops);


CREATE INDEX billing_paymentdispute_payment_id_63007071 ON public.billing_paymentdispute USING btree (payment_id);


CREATE INDEX billing_paymentdispute_provider_id_dce990b6_like ON public.billing_paymentdispute USING btree (provider_id varchar_pattern_ops);


CREATE INDEX billing_paymentmovement_payment_id_5e71c586 ON public.billing_paymentmovement USING btree (payment_id);


CREATE INDEX billing_paymentmovement_provider_id_bfb15b6e_like ON public.billing_paymentmovement USING btree (provider_id varchar_pattern_ops);


CREATE INDEX billing_price_book_id_7c4672df ON public.billing_price USING btree (book_id);


CREATE INDEX billing_pricebook_tenant_id_a589b45b ON public.billing_pricebook USING btree (tenant_id);


CREATE INDEX billing_providerevent_id_70ecaaee_like ON public.billing_providerevent USING btree (id varchar_pattern_ops);


CREATE INDEX billing_providerevent_payment_id_6822dd4c ON public.billing_providerevent USING btree (payment_id);


CREATE INDEX billing_workspacebudgetwarning_tenant_id_dde2c50d ON public.billing_workspacebudgetwarning USING btree (tenant_id);


CREATE INDEX corrections_by_attempt ON public.billing_transfer USING btree (corrects_id) WHERE (corrects_id IS NOT NULL);


CREATE INDEX costs_of_channel ON public.generation_costtable USING btree (channel_id, effective_from, id);


CREATE INDEX credits_for_outages ON public.billing_moneymove USING btree (tenant_id, covers_until) WHERE (covers_since IS NOT NULL);


CREATE INDEX delivery_attempt_by_time ON public.webhooks_deliveryattempt USING btree (at);


CREATE INDEX delivery_by_endpoint ON public.webhooks_delivery USING btree (endpoint_id, id);


CREATE INDEX delivery_that_is_due ON public.webhooks_delivery USING btree (endpoint_id, due_at) WHERE ((state)::text = 'pending'::text);


CREATE INDEX disputes_that_are_open ON public.billing_paymentdispute USING btree (due_at) WHERE ((state)::text = 'open'::text);


CREATE INDEX django_session_expire_date_a5c62663 ON public.django_session USING btree (expire_date);


CREATE INDEX django_session_session_key_c0390e0f_like ON public.django_session USING btree (session_key varchar_pattern_ops);


CREATE INDEX events_by_time ON public.billing_providerevent USING btree (created_at DESC);


CREATE INDEX events_of_channel ON public.generation_channelevent USING btree (channel_id, at DESC);


CREATE INDEX events_to_be_handled ON public.billing_providerevent USING btree (next_at) WHERE (handled_at IS NULL);


CREATE INDEX generation_alertaddress_address_923061fd_like ON public.generation_alertaddress USING btree (address varchar_pattern_ops);


CREATE INDEX generation_alertsending_rule_id_ed66770c ON public.generation_alertsending USING btree (rule_id);


CREATE INDEX generation_alertsent_rule_id_53281a9e ON public.generation_alertsent USING btree (rule_id);


CREATE INDEX generation_alertsent_sending_id_ac388168 ON public.generation_alertsent USING btree (sending_id);


CREATE INDEX generation_attempt_channel_id_af5f61eb ON public.generation_attempt USING btree (channel_id);


CREATE INDEX generation_by_source ON public.generation_generation USING btree (tenant_id, source, id DESC) WHERE (NOT ((source)::text = 'api'::text));


CREATE INDEX generation_channel_name_b3c022e1_like ON public.generation_channel USING btree (name varchar_pattern_ops);


CREATE INDEX generation_channelevent_at_c29dbe1a ON public.generation_channelevent USING btree (at);


CREATE INDEX generation_contract_model_fa63af2d_like ON public.generation_contract USING btree (model varchar_pattern_ops);


CREATE INDEX generation_idempotencyrecord_created_at_bbb15131 ON public.generation_idempotencyrecord USING btree (created_at);


CREATE INDEX generation_idempotencyrecord_generation_id_2cbb0800 ON public.generation_idempotencyrecord USING btree (generation_id);


CREATE INDEX generation_incidentupdate_incident_id_59c597c4 ON public.generation_incidentupdate USING btree (incident_id);


CREATE INDEX generation_of_tenant ON public.generation_generation USING btree (tenant_id, id DESC);


CREATE INDEX generation_route_channel_id_28a39b86 ON public.generation_route USING btree (channel_id);


CREATE INDEX generation_route_contract_id_14b9c163 ON public.generation_route USING btree (contract_id);


CREATE INDEX generation_route_contract_id_14b9c163_like ON public.generation_route USING btree (contract_id varchar_pattern_ops);


CREATE INDEX generation_tests_of_tenant ON public.generation_generation USING btree (tenant_id, id DESC) WHERE (NOT livemode);


CREATE INDEX generation_tests_to_delete ON public.generation_generation USING btree (words_forgotten_at) WHERE ((NOT livemode) AND (words_forgotten_at IS NOT NULL));


CREATE INDEX generation_tests_with_words ON public.generation_generation USING btree (id) WHERE ((NOT livemode) AND (words_forgotten_at IS NULL));


CREATE INDEX generation_to_clean ON public.generation_generation USING btree (id) WHERE ((cleaned_at IS NULL) AND (dispatch > 0) AND (finished_at IS NOT NULL) AND (NOT ((dispatch = 1) AND ((state)::text = 'succeeded'::text))));


CREATE INDEX generation_unanswered ON public.generation_generation USING btree (api_key_id, body_digest) WHERE ((web_process IS NOT NULL) OR (orphaned_at IS NOT NULL));


CREATE INDEX generation_under_way ON public.generation_generation USING btree (state, tenant_id, livemode, id) WHERE ((state)::text = ANY ((ARRAY['queued'::character varying, 'running'::character varying])::text[]));


CREATE INDEX generation_vendorbill_channel_id_2afe16f5 ON public.generation_vendorbill USING btree (channel_id);


CREATE INDEX generation_vendorbill_digest_451b1b4b ON public.generation_vendorbill USING btree (digest);


CREATE INDEX generation_vendorbill_digest_451b1b4b_like ON public.generation_vendorbill USING btree (digest varchar_pattern_ops);


CREATE INDEX generation_with_inputs ON public.generation_generation USING btree (finished_at) WHERE (NOT (inputs = '[]'::jsonb));


CREATE INDEX lines_by_own_id ON public.generation_billline USING btree (key);


CREATE INDEX lines_decided ON public.generation_billline USING btree (bill_id, decision, id) WHERE (NOT ((decision)::text = ''::text));


CREATE INDEX lines_of_bill ON public.generation_billline USING btree (bill_id, outcome, id);


CREATE INDEX mail_to_send ON public.accounts_mail USING btree (due_at) WHERE (sent_at IS NULL);


CREATE INDEX mfa_authenticator_user_id_0c3a50c0 ON public.mfa_authenticator USING btree (user_id);


CREATE INDEX minutes_of_channel ON public.generation_attemptminute USING btree (channel_id, minute);


CREATE INDEX moved_by_people_by_seq ON public.billing_transfer USING btree (tenant_id, seq) WHERE ((kind)::text = ANY ((ARRAY['top_up'::character varying, 'credit'::character varying, 'refund'::character varying, 'adjustment'::character varying, 'reversal'::character varying, 'pay_back'::character varying, 'paid_back'::character varying, 'pay_back_fail'::character varying, 'chargeback'::character varying, 'reinstated'::character varying, 'repayment'::character varying])::text[]));


CREATE INDEX moves_alone_by_person ON public.billing_moneymove USING btree (asked_by_id, asked_at) WHERE (expires_at IS NULL);


CREATE INDEX moves_alone_by_tenant ON public.billing_moneymove USING btree (tenant_id, asked_at) WHERE (expires_at IS NULL);


CREATE INDEX moves_that_wait ON public.billing_moneymove USING btree (expires_at) WHERE ((declined_at IS NULL) AND (transfer_id IS NULL));


CREATE UNIQUE INDEX one_automatic_top_up_at_a_time ON public.billing_payment USING btree (tenant_id) WHERE (automatic AND ((state)::text = 'begun'::text));


CREATE UNIQUE INDEX one_cost_per_attempt ON public.billing_transfer USING btree (attempt_id) WHERE (attempt_id IS NOT NULL);


CREATE UNIQUE INDEX one_credit_a_mailbox ON public.accounts_signupcredit USING btree (mailbox) WHERE ((withheld)::text = ''::text);


CREATE UNIQUE INDEX one_export_at_a_time ON public.storage_tenantexport USING btree (tenant_id) WHERE ((failed_at IS NULL) AND ((list_name)::text = ''::text) AND (ready_at IS NULL));


CREATE UNIQUE INDEX one_hold_capture_release ON public.billing_transfer USING btree (generation_id, kind) WHERE ((kind)::text = ANY ((ARRAY['hold'::character varying, 'capture'::character varying, 'release'::character varying])::text[]));


CREATE UNIQUE INDEX one_list_at_a_time ON public.storage_tenantexport USING btree (tenant_id, asked_by_id) WHERE ((failed_at IS NULL) AND (ready_at IS NULL) AND (NOT ((list_name)::text = ''::text)));


CREATE INDEX origin_by_digest ON public.storage_imageorigin USING btree (sha256, tenant_id);


CREATE INDEX origin_by_manifest ON public.storage_imageorigin USING btree (manifest_label, tenant_id) WHERE (NOT ((manifest_label)::text = ''::text));


CREATE INDEX pay_backs_that_wait ON public.billing_paymentmovement USING btree (at) WHERE ((state)::text = ANY ((ARRAY['asked'::character varying, 'pending'::character varying])::text[]));


CREATE INDEX payments_by_time ON public.billing_payment USING btree (begun_at DESC);


CREATE INDEX payments_for_a_person ON public.billing_payment USING btree (begun_at) WHERE ((state)::text = 'person'::text);


CREATE INDEX payments_of_a_tenant ON public.billing_payment USING btree (tenant_id, begun_at DESC);


CREATE INDEX payments_that_are_begun ON public.billing_payment USING btree (looked_at) WHERE ((state)::text = 'begun'::text);


CREATE INDEX price_list_of_a_tenant ON public.billing_pricelistassignment USING btree (tenant_id, id DESC);


CREATE UNIQUE INDEX price_lists_have_own_names ON public.billing_pricelist USING btree (lower((name)::text));


CREATE INDEX refused_of_caller ON public.generation_refusedrequest USING btree (caller, day, place);


CREATE INDEX sign_up_credit_by_time ON public.accounts_signupcredit USING btree (at);


CREATE UNIQUE INDEX stopped_once ON public.generation_stop USING btree (model, tenant_id) NULLS NOT DISTINCT WHERE (ended_at IS NULL);


CREATE INDEX storage_tenantexport_asked_by_id_dc21c7f6 ON public.storage_tenantexport USING btree (asked_by_id);


CREATE INDEX storage_tenantexport_tenant_id_70e05ecd ON public.storage_tenantexport USING btree (tenant_id);


CREATE INDEX stored_image_by_tenant ON public.storage_storedimage USING btree (tenant_id, created_at DESC);


CREATE INDEX stored_image_to_expire ON public.storage_storedimage USING btree (expires_at) INCLUDE (tenant_id, size_bytes) WHERE (deleted_at IS NULL);


CREATE INDEX support_grants_of_tenant ON public.accounts_supportgrant USING btree (tenant_id, opened_at DESC);


CREATE INDEX tenants_that_owe ON public.billing_tenantbalance USING btree (tenant_id) WHERE (owed > 0);


CREATE INDEX trial_of_route ON public.generation_channeltrial USING btree (channel_id, model, created_at DESC);


CREATE INDEX trial_with_picture ON public.generation_channeltrial USING btree (created_at) WHERE (NOT ((picture_key)::text = ''::text));


CREATE INDEX turns_of_workers ON public.generation_channelevent USING btree (worker, channel_id, model, kind, at DESC) WHERE (worker IS NOT NULL);


CREATE UNIQUE INDEX unique_authenticator_type ON public.mfa_authenticator USING btree (user_id, type) WHERE ((type)::text = ANY ((ARRAY['totp'::character varying, 'recovery_codes'::character varying])::text[]));


CREATE UNIQUE INDEX unique_primary_email ON public.account_emailaddress USING btree (user_id, "primary") WHERE "primary";


CREATE UNIQUE INDEX unique_verified_email ON public.account_emailaddress USING btree (email) WHERE verified;


CREATE INDEX usage_by_hour ON public.billing_usagerollup USING btree (hour);


CREATE INDEX webhook_event_by_tenant ON public.webhooks_event USING btree (tenant_id, id);


CREATE INDEX webhook_event_of_test ON public.webhooks_event USING btree (id) WHERE (NOT livemode);


CREATE INDEX webhooks_delivery_endpoint_id_6cbee67d ON public.webhooks_delivery USING btree (endpoint_id);


CREATE INDEX webhooks_delivery_event_id_b6f5af91 ON public.webhooks_delivery USING btree (event_id);


CREATE INDEX webhooks_deliveryattempt_delivery_id_a3a82286 ON public.webhooks_deliveryattempt USING btree (delivery_id);


CREATE INDEX webhooks_event_tenant_id_fb0ab879 ON public.webhooks_event USING btree (tenant_id);


CREATE INDEX webhooks_webhookendpoint_tenant_id_1ca8ba14 ON public.webhooks_webhookendpoint USING btree (tenant_id);


CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.accounts_auditevent FOR EACH STATEMENT EXECUTE FUNCTION public.pictor_append_only();

ALTER TABLE public.accounts_auditevent ENABLE ALWAYS TRIGGER append_only;


CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.accounts_auditlink FOR EACH STATEMENT EXECUTE FUNCTION public.pictor_append_only();

ALTER TABLE public.accounts_auditlink ENABLE ALWAYS TRIGGER append_only;


CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.billing_pricebookwithdrawal FOR EACH STATEMENT EXECUTE FUNCTION public.pictor_append_only();

ALTER TABLE public.billing_pricebookwithdrawal ENABLE ALWAYS TRIGGER append_only;


CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.billing_pricelistassignment FOR EACH STATEMENT EXECUTE FUNCTION public.pictor_append_only();

ALTER TABLE public.billing_pricelistassignment ENABLE ALWAYS TRIGGER append_only;


CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.billing_transfer FOR EACH STATEMENT EXECUTE FUNCTION public.pictor_append_only();

ALTER TABLE public.billing_transfer ENABLE ALWAYS TRIGGER append_only;


CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.generation_costtable FOR EACH STATEMENT EXECUTE FUNCTION public.pictor_append_only();

ALTER TABLE public.generation_costtable ENABLE ALWAYS TRIGGER append_only;


CREATE TRIGGER bump_revision AFTER UPDATE OF may_omit_marks, omits_marks ON public.accounts_tenant FOR EACH STATEMENT EXECUTE FUNCTION public.pictor_bump_revision();


CREATE TRIGGER bump_revision AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.billing_price FOR EACH STATEMENT EXECUTE FUNCTION public.pictor_bump_revision();


CREATE TRIGGER bump_revision AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.billing_pricebook FOR EACH STATEMENT EXECUTE FUNCTION public.pictor_bump_revision();


CREATE TRIGGER bump_revision AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.billing_pricebookwithdrawal FOR EACH STATEMENT EXECUTE FUNCTION public.pictor_bump_revision();


CREATE TRIGGER bump_revision AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.billing_pricelistassignment FOR EACH STATEMENT EXECUTE FUNCTION public.pictor_bump_revision();


CREATE TRIGGER bump_revision AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.generation_channel FOR EACH STATEMENT EXECUTE FUNCTION public.pictor_bump_revision();


CREATE TRIGGER bump_revision AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.generation_contract FOR EACH STATEMENT EXECUTE FUNCTION public.pictor_bump_revision();


CREATE TRIGGER bump_revision AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.generation_costtable FOR EACH STATEMENT EXECUTE FUNCTION public.pictor_bump_revision();


CREATE TRIGGER bump_revision AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.generation_route FOR EACH STATEMENT EXECUTE FUNCTION public.pictor_bump_revision();


CREATE TRIGGER bump_revision AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.generation_stop FOR EACH STATEMENT EXECUTE FUNCTION public.pictor_bump_revision();


CREATE TRIGGER failures_counted AFTER UPDATE OF state ON public.generation_generation FOR EACH ROW WHEN ((((new.state)::text = 'failed'::text) AND ((old.state)::text <> 'failed'::text) AND new.livemode)) EXECUTE FUNCTION public.pictor_count_failure_v1();


CREATE TRIGGER final_once_published BEFORE INSERT OR DELETE OR UPDATE ON public.billing_price FOR EACH ROW EXECUTE FUNCTION public.pictor_published_price_is_final();

ALTER TABLE public.billing_price ENABLE ALWAYS TRIGGER final_once_published;


CREATE TRIGGER final_once_published BEFORE DELETE OR UPDATE ON public.billing_pricebook FOR EACH ROW WHEN ((old.published_at IS NOT NULL)) EXECUTE FUNCTION public.pictor_published_book_is_final();

ALTER TABLE public.billing_pricebook ENABLE ALWAYS TRIGGER final_once_published;


CREATE TRIGGER key_stays BEFORE UPDATE OF id, tenant_id, is_test ON public.accounts_apikey FOR EACH ROW WHEN ((((old.id IS DISTINCT FROM new.id) OR (old.tenant_id IS DISTINCT FROM new.tenant_id)) OR (old.is_test IS DISTINCT FROM new.is_test))) EXECUTE FUNCTION public.pictor_key_stays();

ALTER TABLE public.accounts_apikey ENABLE ALWAYS TRIGGER key_stays;


CREATE TRIGGER mode_of_key BEFORE INSERT ON public.generation_generation FOR EACH ROW EXECUTE FUNCTION public.pictor_mode_of_key();

ALTER TABLE public.generation_generation ENABLE ALWAYS TRIGGER mode_of_key;


CREATE TRIGGER mode_stays BEFORE UPDATE OF livemode ON public.generation_generation FOR EACH ROW WHEN ((old.livemode IS DISTINCT FROM new.livemode)) EXECUTE FUNCTION public.pictor_mode_stays();

ALTER TABLE public.generation_generation ENABLE ALWAYS TRIGGER mode_stays;


CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.billing_price FOR EACH STATEMENT EXECUTE FUNCTION public.pictor_append_only();


CREATE TRIGGER no_truncate BEFORE TRUNCATE ON public.billing_pricebook FOR EACH STATEMENT EXECUTE FUNCTION public.pictor_append_only();


CREATE TRIGGER tags_erased AFTER UPDATE OF words_forgotten_at ON public.generation_generation FOR EACH ROW WHEN (((new.words_forgotten_at IS NOT NULL) AND (old.words_forgotten_at IS NULL) AND old.livemode AND (old.finished_at IS NOT NULL))) EXECUTE FUNCTION public.pictor_untag_v1();


CREATE TRIGGER test_stays_in_sandbox BEFORE INSERT OR UPDATE OF generation_id, channel_id ON public.generation_attempt FOR EACH ROW EXECUTE FUNCTION public.pictor_test_stays_in_sandbox();

ALTER TABLE public.generation_attempt ENABLE ALWAYS TRIGGER test_stays_in_sandbox;


CREATE TRIGGER usage_times BEFORE INSERT OR UPDATE OF latency ON public.billing_usagerollup FOR EACH ROW EXECUTE FUNCTION public.pictor_usage_times_v1();


CREATE TRIGGER withdrawn_before_it_begins BEFORE INSERT ON public.billing_pricebookwithdrawal FOR EACH ROW EXECUTE FUNCTION public.pictor_withdrawn_before_it_begins();


ALTER TABLE ONLY public.account_emailaddress
    ADD CONSTRAINT account_emailaddress_user_id_2c513194_fk_accounts_user_id FOREIGN KEY (user_id) REFERENCES public.accounts_user(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.account_emailconfirmation
    ADD CONSTRAINT account_emailconfirm_email_address_id_5b7f8c58_fk_account_e FOREIGN KEY (email_address_id) REFERENCES public.account_emailaddress(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_apikey
    ADD CONSTRAINT accounts_apikey_created_by_id_1b5317c8_fk_accounts_user_id FOREIGN KEY (created_by_id) REFERENCES public.accounts_user(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_apikey
    ADD CONSTRAINT accounts_apikey_limited_by_id_52d31bb3_fk_accounts_user_id FOREIGN KEY (limited_by_id) REFERENCES public.accounts_user(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_apikey
    ADD CONSTRAINT accounts_apikey_tenant_id_0c698ed1_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_auditevent
    ADD CONSTRAINT accounts_auditevent_actor_id_179eee89_fk_accounts_user_id FOREIGN KEY (actor_id) REFERENCES public.accounts_user(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_auditevent
    ADD CONSTRAINT accounts_auditevent_tenant_id_6a97e9fe_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_invitation
    ADD CONSTRAINT accounts_invitation_invited_by_id_94a21efc_fk_accounts_user_id FOREIGN KEY (invited_by_id) REFERENCES public.accounts_user(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_invitation
    ADD CONSTRAINT accounts_invitation_tenant_id_3b426b19_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_memberchange
    ADD CONSTRAINT accounts_memberchang_approved_by_id_3e2e3eab_fk_accounts_ FOREIGN KEY (approved_by_id) REFERENCES public.accounts_user(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_memberchange
    ADD CONSTRAINT accounts_memberchange_asked_by_id_0fa3fd08_fk_accounts_user_id FOREIGN KEY (asked_by_id) REFERENCES public.accounts_user(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_memberchange
    ADD CONSTRAINT accounts_memberchange_heir_id_d1b959a3_fk_accounts_user_id FOREIGN KEY (heir_id) REFERENCES public.accounts_user(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_memberchange
    ADD CONSTRAINT accounts_memberchange_tenant_id_118664ff_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_membership
    ADD CONSTRAINT accounts_membership_tenant_id_be1e9f15_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_membership
    ADD CONSTRAINT accounts_membership_user_id_487fb39e_fk_accounts_user_id FOREIGN KEY (user_id) REFERENCES public.accounts_user(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_opensession
    ADD CONSTRAINT accounts_opensession_user_id_e6142668_fk_accounts_user_id FOREIGN KEY (user_id) REFERENCES public.accounts_user(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_operatorcall
    ADD CONSTRAINT accounts_operatorcal_key_id_53d6fa5c_fk_accounts_ FOREIGN KEY (key_id) REFERENCES public.accounts_operatorkey(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_operatorkey
    ADD CONSTRAINT accounts_operatorkey_made_by_id_2512d034_fk_accounts_user_id FOREIGN KEY (made_by_id) REFERENCES public.accounts_user(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_supportgrant
    ADD CONSTRAINT accounts_supportgrant_tenant_id_d628bd45_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_supportgrant
    ADD CONSTRAINT accounts_supportgrant_user_id_7bb81b9f_fk_accounts_user_id FOREIGN KEY (user_id) REFERENCES public.accounts_user(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_user_groups
    ADD CONSTRAINT accounts_user_groups_group_id_bd11a704_fk_auth_group_id FOREIGN KEY (group_id) REFERENCES public.auth_group(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_user_groups
    ADD CONSTRAINT accounts_user_groups_user_id_52b62117_fk_accounts_user_id FOREIGN KEY (user_id) REFERENCES public.accounts_user(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_user_user_permissions
    ADD CONSTRAINT accounts_user_user_p_permission_id_113bb443_fk_auth_perm FOREIGN KEY (permission_id) REFERENCES public.auth_permission(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.accounts_user_user_permissions
    ADD CONSTRAINT accounts_user_user_p_user_id_e4f0a161_fk_accounts_ FOREIGN KEY (user_id) REFERENCES public.accounts_user(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissio_permission_id_84c5c92e_fk_auth_perm FOREIGN KEY (permission_id) REFERENCES public.auth_permission(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.auth_group_permissions
    ADD CONSTRAINT auth_group_permissions_group_id_b120cbf9_fk_auth_group_id FOREIGN KEY (group_id) REFERENCES public.auth_group(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.auth_permission
    ADD CONSTRAINT auth_permission_content_type_id_2f476e4b_fk_django_co FOREIGN KEY (content_type_id) REFERENCES public.django_content_type(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_account
    ADD CONSTRAINT billing_account_tenant_id_baa7863c_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_balancealert
    ADD CONSTRAINT billing_balancealert_tenant_id_9a4040e1_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_budgetwarning
    ADD CONSTRAINT billing_budgetwarning_key_id_8082d00b_fk_accounts_apikey_id FOREIGN KEY (key_id) REFERENCES public.accounts_apikey(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_failurerollup
    ADD CONSTRAINT billing_failurerollup_tenant_id_bc3bfbcd_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_keybudget
    ADD CONSTRAINT billing_keybudget_key_id_61cbe199_fk_accounts_apikey_id FOREIGN KEY (key_id) REFERENCES public.accounts_apikey(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_moneymove
    ADD CONSTRAINT billing_moneymove_asked_by_id_3a8e7cb9_fk_accounts_user_id FOREIGN KEY (asked_by_id) REFERENCES public.accounts_user(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_moneymove
    ADD CONSTRAINT billing_moneymove_tenant_id_f4883730_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_payment
    ADD CONSTRAINT billing_payment_begun_by_id_2f41ee82_fk_accounts_user_id FOREIGN KEY (begun_by_id) REFERENCES public.accounts_user(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_payment
    ADD CONSTRAINT billing_payment_tenant_id_d6eb4faf_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_paymentcustomer
    ADD CONSTRAINT billing_paymentcusto_consented_by_id_32c9ff2b_fk_accounts_ FOREIGN KEY (consented_by_id) REFERENCES public.accounts_user(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_paymentcustomer
    ADD CONSTRAINT billing_paymentcusto_tenant_id_b0a9f4e7_fk_accounts_ FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_paymentdispute
    ADD CONSTRAINT billing_paymentdispu_payment_id_63007071_fk_billing_p FOREIGN KEY (payment_id) REFERENCES public.billing_payment(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_paymentmovement
    ADD CONSTRAINT billing_paymentmovem_payment_id_5e71c586_fk_billing_p FOREIGN KEY (payment_id) REFERENCES public.billing_payment(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_price
    ADD CONSTRAINT billing_price_book_id_7c4672df_fk_billing_pricebook_id FOREIGN KEY (book_id) REFERENCES public.billing_pricebook(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_pricebookwithdrawal
    ADD CONSTRAINT billing_pricebookwit_book_id_b3e8bf06_fk_billing_p FOREIGN KEY (book_id) REFERENCES public.billing_pricebook(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_pricelistassignment
    ADD CONSTRAINT billing_pricelistass_price_list_id_bee5a0f8_fk_billing_p FOREIGN KEY (price_list_id) REFERENCES public.billing_pricelist(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_pricelistassignment
    ADD CONSTRAINT billing_pricelistass_tenant_id_24d887ee_fk_accounts_ FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_providerevent
    ADD CONSTRAINT billing_providerevent_payment_id_6822dd4c_fk_billing_payment_id FOREIGN KEY (payment_id) REFERENCES public.billing_payment(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_soldday
    ADD CONSTRAINT billing_soldday_tenant_id_b6ed98ab_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_tenantbalance
    ADD CONSTRAINT billing_tenantbalanc_available_account_id_38c6cb11_fk_billing_a FOREIGN KEY (available_account_id) REFERENCES public.billing_account(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_tenantbalance
    ADD CONSTRAINT billing_tenantbalanc_held_account_id_826b7ae5_fk_billing_a FOREIGN KEY (held_account_id) REFERENCES public.billing_account(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_tenantbalance
    ADD CONSTRAINT billing_tenantbalance_tenant_id_ebfebca4_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_transfer
    ADD CONSTRAINT billing_transfer_tenant_id_35756c8d_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_unchargedcost
    ADD CONSTRAINT billing_unchargedcost_tenant_id_73656f5d_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_usagerollup
    ADD CONSTRAINT billing_usagerollup_tenant_id_cae545e8_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.billing_workspacebudgetwarning
    ADD CONSTRAINT billing_workspacebud_tenant_id_dde2c50d_fk_accounts_ FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_alertrule
    ADD CONSTRAINT generation_alertrule_endpoint_id_1ba5d41b_fk_webhooks_ FOREIGN KEY (endpoint_id) REFERENCES public.webhooks_webhookendpoint(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_alertsending
    ADD CONSTRAINT generation_alertsend_rule_id_ed66770c_fk_generatio FOREIGN KEY (rule_id) REFERENCES public.generation_alertrule(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_alertsent
    ADD CONSTRAINT generation_alertsent_rule_id_53281a9e_fk_generatio FOREIGN KEY (rule_id) REFERENCES public.generation_alertrule(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_alertsent
    ADD CONSTRAINT generation_alertsent_sending_id_ac388168_fk_generatio FOREIGN KEY (sending_id) REFERENCES public.generation_alertsending(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_attempt
    ADD CONSTRAINT generation_attempt_channel_id_af5f61eb_fk_generation_channel_id FOREIGN KEY (channel_id) REFERENCES public.generation_channel(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_attempt
    ADD CONSTRAINT generation_attempt_generation_id_06c75cee_fk_generatio FOREIGN KEY (generation_id) REFERENCES public.generation_generation(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_billline
    ADD CONSTRAINT generation_billline_bill_id_14e60f83_fk_generatio FOREIGN KEY (bill_id) REFERENCES public.generation_vendorbill(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_channeltrial
    ADD CONSTRAINT generation_channeltr_channel_id_4adc20bc_fk_generatio FOREIGN KEY (channel_id) REFERENCES public.generation_channel(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_costtable
    ADD CONSTRAINT generation_costtable_channel_id_6199b331_fk_generatio FOREIGN KEY (channel_id) REFERENCES public.generation_channel(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_generation
    ADD CONSTRAINT generation_generatio_channel_id_66d55616_fk_generatio FOREIGN KEY (channel_id) REFERENCES public.generation_channel(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_generation
    ADD CONSTRAINT generation_generatio_worker_id_5c780196_fk_generatio FOREIGN KEY (worker_id) REFERENCES public.generation_worker(epoch) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_generation
    ADD CONSTRAINT generation_generation_api_key_id_68e24023_fk_accounts_apikey_id FOREIGN KEY (api_key_id) REFERENCES public.accounts_apikey(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_generation
    ADD CONSTRAINT generation_generation_tenant_id_70ce7c39_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_idempotencyrecord
    ADD CONSTRAINT generation_idempoten_generation_id_2cbb0800_fk_generatio FOREIGN KEY (generation_id) REFERENCES public.generation_generation(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_idempotencyrecord
    ADD CONSTRAINT generation_idempoten_tenant_id_3f48a861_fk_accounts_ FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_incidentupdate
    ADD CONSTRAINT generation_incidentu_incident_id_59c597c4_fk_generatio FOREIGN KEY (incident_id) REFERENCES public.generation_incident(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_pendingrevision
    ADD CONSTRAINT generation_pendingre_channel_id_9124872b_fk_generatio FOREIGN KEY (channel_id) REFERENCES public.generation_channel(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_promptsforgotten
    ADD CONSTRAINT generation_promptsfo_tenant_id_31b3ea03_fk_accounts_ FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_route
    ADD CONSTRAINT generation_route_channel_id_28a39b86_fk_generation_channel_id FOREIGN KEY (channel_id) REFERENCES public.generation_channel(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_route
    ADD CONSTRAINT generation_route_contract_id_14b9c163_fk_generatio FOREIGN KEY (contract_id) REFERENCES public.generation_contract(model) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_stop
    ADD CONSTRAINT generation_stop_tenant_id_2cabf6d7_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_sunsetnotice
    ADD CONSTRAINT generation_sunsetnot_tenant_id_6c786eb8_fk_accounts_ FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_taggedday
    ADD CONSTRAINT generation_taggedday_tenant_id_6d6e3cf7_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.generation_vendorbill
    ADD CONSTRAINT generation_vendorbil_channel_id_2afe16f5_fk_generatio FOREIGN KEY (channel_id) REFERENCES public.generation_channel(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.mfa_authenticator
    ADD CONSTRAINT mfa_authenticator_user_id_0c3a50c0_fk_accounts_user_id FOREIGN KEY (user_id) REFERENCES public.accounts_user(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.storage_storedimage
    ADD CONSTRAINT storage_storedimage_tenant_id_f9bff006_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.storage_tenantexport
    ADD CONSTRAINT storage_tenantexport_asked_by_id_dc21c7f6_fk_accounts_user_id FOREIGN KEY (asked_by_id) REFERENCES public.accounts_user(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.storage_tenantexport
    ADD CONSTRAINT storage_tenantexport_tenant_id_70e05ecd_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.webhooks_delivery
    ADD CONSTRAINT webhooks_delivery_event_id_b6f5af91_fk_webhooks_event_id FOREIGN KEY (event_id) REFERENCES public.webhooks_event(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.webhooks_deliveryattempt
    ADD CONSTRAINT webhooks_deliveryatt_delivery_id_a3a82286_fk_webhooks_ FOREIGN KEY (delivery_id) REFERENCES public.webhooks_delivery(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.webhooks_event
    ADD CONSTRAINT webhooks_event_tenant_id_fb0ab879_fk_accounts_tenant_id FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


ALTER TABLE ONLY public.webhooks_webhookendpoint
    ADD CONSTRAINT webhooks_webhookendp_tenant_id_1ca8ba14_fk_accounts_ FOREIGN KEY (tenant_id) REFERENCES public.accounts_tenant(id) DEFERRABLE INITIALLY DEFERRED;


