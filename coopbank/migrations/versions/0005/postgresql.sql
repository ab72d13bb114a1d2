-- One seal in place of several triggers: statements instead of rows, the book's lock at the first sealed row, plans made once.

DROP TRIGGER posting_late ON posting;
DROP TRIGGER entry_late ON entry;
DROP TRIGGER record_late ON record;
DROP TRIGGER account_late ON account;
DROP TRIGGER period_state_late ON period_state;
DROP TRIGGER fund_late ON fund;
DROP TRIGGER gl_account_late ON gl_account;
DROP FUNCTION sealed_late();
DROP TRIGGER operation_reserve ON operation;
DROP FUNCTION operation_reserve();
DROP TRIGGER posting_sealed ON posting;
DROP TRIGGER entry_sealed ON entry;
DROP TRIGGER gl_account_sealed ON gl_account;
DROP TRIGGER fund_sealed ON fund;
DROP TRIGGER account_sealed ON account;
DROP TRIGGER period_state_sealed ON period_state;
DROP TRIGGER record_sealed ON record;

CREATE OR REPLACE FUNCTION is_day(d text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
  RETURN d ~ '^[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))$' AND d !~ '^0000'
      OR d ~ '^[0-9]{2}([02468][048]|[13579][26])-02-29$' AND d !~ '^([0-9]{2}00|0000)' OR d ~ '^([02468][048]|[13579][26])00-02-29$' AND d !~ '^0000';
  END $$;
-- Whoever writes a sealed row waits for the book's lock first: so none can slip in under a header of somebody else's that is
-- not committed yet. Once it has the lock it sees that header, and is refused; a transaction that looks at the books as
-- they were before (REPEATABLE READ) sees neither header nor entry, and its foreign keys fail.
CREATE OR REPLACE FUNCTION posting_sealed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM pg_advisory_xact_lock(20261122);
  IF (SELECT min(entry_id) FROM added) < coalesce((SELECT first_entry + entry_count FROM operation ORDER BY id DESC LIMIT 1), 1) THEN
    PERFORM refuse('entry is sealed'); END IF;
  RETURN NULL; END $$;
CREATE TRIGGER posting_sealed AFTER INSERT ON posting REFERENCING NEW TABLE AS added EXECUTE FUNCTION posting_sealed();

CREATE OR REPLACE FUNCTION rows_sealed() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE next bigint; BEGIN
  PERFORM pg_advisory_xact_lock(20261122);
  next := coalesce((SELECT max(id) FROM operation), 0) + 1;
  IF EXISTS (SELECT 1 FROM added WHERE operation_id <> next) THEN PERFORM refuse(TG_TABLE_NAME || ' is sealed'); END IF;
  RETURN NULL; END $$;
CREATE TRIGGER entry_sealed        AFTER INSERT ON entry        REFERENCING NEW TABLE AS added EXECUTE FUNCTION rows_sealed();
CREATE TRIGGER gl_account_sealed   AFTER INSERT ON gl_account   REFERENCING NEW TABLE AS added EXECUTE FUNCTION rows_sealed();
CREATE TRIGGER fund_sealed         AFTER INSERT ON fund         REFERENCING NEW TABLE AS added EXECUTE FUNCTION rows_sealed();
CREATE TRIGGER account_sealed      AFTER INSERT ON account      REFERENCING NEW TABLE AS added EXECUTE FUNCTION rows_sealed();
CREATE TRIGGER period_state_sealed AFTER INSERT ON period_state REFERENCING NEW TABLE AS added EXECUTE FUNCTION rows_sealed();
CREATE TRIGGER record_sealed       AFTER INSERT ON record       REFERENCING NEW TABLE AS added EXECUTE FUNCTION rows_sealed();

CREATE OR REPLACE FUNCTION operation_chain() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE last record; BEGIN
  PERFORM pg_advisory_xact_lock(20261122);
  SELECT id, hash, first_entry + entry_count AS next_entry, business_date, left(sealed, 49) AS beginning
    INTO last FROM operation ORDER BY id DESC LIMIT 1;
  IF NEW.id IS DISTINCT FROM coalesce(last.id, 0) + 1
     OR NEW.prev_hash <> coalesce(last.hash, decode(repeat('00', 32), 'hex'))
     OR NEW.first_entry <> coalesce(last.next_entry, 1) THEN
    PERFORM refuse('operation does not continue the chain'); END IF;
  IF NEW.hash <> sha256(convert_to(NEW.sealed, 'UTF8')) THEN PERFORM refuse('hash is not the SHA-256 of the sealed text'); END IF;
  -- form and book, which every operation has from the one before
  IF left(NEW.sealed, 49) <> last.beginning OR left(NEW.sealed, 15) <> '["coopbank/1","' OR substr(NEW.sealed, 48, 2) <> '",' THEN
    PERFORM refuse('sealed text differs from its columns'); END IF;
  IF NEW.business_date < last.business_date OR NEW.business_date::date > substr(NEW.at, 1, 10)::date + 1 THEN
    PERFORM refuse('business date goes back, or lies in the future'); END IF;
  RETURN NEW; END $$;
CREATE OR REPLACE FUNCTION operation_seal() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE t jsonb := NEW.sealed::jsonb; written record; lines record; summed record; states record; changed bigint; BEGIN
  -- the hashed text says the same as the columns
  IF t->2 IS DISTINCT FROM to_jsonb(NEW.id) OR t->3 IS DISTINCT FROM to_jsonb(NEW.at)
     OR t->4 IS DISTINCT FROM to_jsonb(NEW.business_date) OR t->5 IS DISTINCT FROM to_jsonb(NEW.actor)
     OR nullif(t->6, 'null') IS DISTINCT FROM to_jsonb(NEW.approver) OR t->7 IS DISTINCT FROM to_jsonb(NEW.kind)
     OR t->8 IS DISTINCT FROM to_jsonb(NEW.kind_version) OR t->9 IS DISTINCT FROM to_jsonb(NEW.key)
     OR t->13 IS DISTINCT FROM to_jsonb(encode(NEW.prev_hash, 'hex'))
     OR jsonb_array_length(t->11) IS DISTINCT FROM NEW.entry_count OR jsonb_array_length(t->12) IS DISTINCT FROM NEW.row_count THEN
    PERFORM refuse('sealed text differs from its columns'); END IF;
  -- entries: gapless, all of this operation, none left over; and as many other rows as the header says
  SELECT count(*) AS n, min(id) AS a, max(id) AS z, bool_and(operation_id = NEW.id) AS own,
         min(effective_on) AS from_day, max(effective_on) AS to_day, count(reverses_id) AS reversals,
         (SELECT count(*) FROM (SELECT FROM record WHERE operation_id = NEW.id UNION ALL SELECT FROM account WHERE operation_id = NEW.id
            UNION ALL SELECT FROM period_state WHERE operation_id = NEW.id UNION ALL SELECT FROM gl_account WHERE operation_id = NEW.id
            UNION ALL SELECT FROM fund WHERE operation_id = NEW.id) AS of_operation) AS others
    INTO written FROM entry WHERE id >= NEW.first_entry;
  IF NEW.row_count <> written.others THEN PERFORM refuse('count of rows differs'); END IF;
  IF written.n <> NEW.entry_count OR written.n > 0 AND (written.a <> NEW.first_entry OR written.z <> NEW.first_entry + written.n - 1 OR NOT written.own) THEN
    PERFORM refuse('entries are not gapless'); END IF;
  -- the lines, read once: as many and as much as the header says, numbered from 1, even in each fund and currency
  SELECT count(*) AS n, coalesce(sum(greatest(p.amount, 0)), 0) AS debit, max(p.entry_id) AS z, count(DISTINCT p.account_id) AS leaves,
         bool_or(p.amount > 0 AND c.gl_code = '932') AS from_reserve, array_agg(p.entry_id) AS entry, array_agg(p.line) AS line,
         array_agg(e.effective_on) AS day, array_agg(p.account_id) AS leaf, array_agg(p.amount) AS amount,
         array_agg(c.gl_code) AS gl, array_agg(c.fund) AS fund, array_agg(c.currency) AS currency
    INTO lines FROM posting p LEFT JOIN account c ON c.id = p.account_id LEFT JOIN entry e ON e.id = p.entry_id
   WHERE p.entry_id >= NEW.first_entry;
  IF lines.n <> NEW.posting_count OR lines.debit <> NEW.debit_total OR lines.z >= NEW.first_entry + NEW.entry_count THEN
    PERFORM refuse('control totals differ'); END IF;
  IF NEW.entry_count = 0 THEN RETURN NULL; END IF;
  SELECT count(*) AS entries, bool_and(n >= 2 AND n = last_line) AS numbered, bool_and(even) AS even
    INTO summed FROM (
      SELECT entry, sum(n) AS n, max(last_line) AS last_line, bool_and(total = 0) AS even
        FROM (SELECT entry, count(*) AS n, max(line) AS last_line, sum(amount) AS total
                FROM unnest(lines.entry, lines.line, lines.fund, lines.currency, lines.amount) AS l (entry, line, fund, currency, amount)
               GROUP BY entry, fund, currency) AS of_fund
       GROUP BY entry) AS of_entry;
  IF summed.entries <> NEW.entry_count OR NOT summed.numbered THEN
    PERFORM refuse('lines are not numbered from 1, or an entry has fewer than two'); END IF;
  IF NOT summed.even THEN PERFORM refuse('entry does not balance'); END IF;
  -- dates and periods: the day is open, no entry lies after it, none in a locked period, an earlier one has two people
  SELECT (SELECT state FROM period_state WHERE period = NEW.business_date AND operation_id < NEW.id ORDER BY operation_id DESC LIMIT 1) AS of_day,
         (SELECT state FROM period_state WHERE period = left(written.to_day, 7) AND operation_id < NEW.id ORDER BY operation_id DESC LIMIT 1) AS of_month,
         (SELECT state FROM period_state WHERE period = left(written.to_day, 4) AND operation_id < NEW.id ORDER BY operation_id DESC LIMIT 1) AS of_year
    INTO states;
  IF states.of_day IS DISTINCT FROM 'open' THEN PERFORM refuse('the business day is not open'); END IF;
  IF written.to_day > NEW.business_date OR written.from_day < NEW.business_date AND NEW.approver IS NULL THEN
    PERFORM refuse('entry is dated in the future, or in the past without a second person'); END IF;
  IF states.of_month = 'locked' OR states.of_year = 'locked' THEN PERFORM refuse('the period is locked'); END IF;
  IF written.from_day <> written.to_day THEN
    IF EXISTS (SELECT 1 FROM (SELECT DISTINCT effective_on AS d FROM entry WHERE id >= NEW.first_entry) AS days
        WHERE state_before(left(d, 7), NEW.id) = 'locked' OR state_before(left(d, 4), NEW.id) = 'locked') THEN
      PERFORM refuse('the period is locked'); END IF; END IF;
  -- a reversal is the exact negative, line by line, of an earlier entry that is no reversal itself
  IF written.reversals > 0 THEN
    IF EXISTS (SELECT 1 FROM entry e WHERE e.id >= NEW.first_entry AND e.reverses_id IS NOT NULL
      AND ((SELECT count(*) FROM posting WHERE entry_id = e.id) <> (SELECT count(*) FROM posting WHERE entry_id = e.reverses_id)
        OR EXISTS (SELECT 1 FROM posting p WHERE p.entry_id = e.id AND NOT EXISTS (SELECT 1 FROM posting o
             WHERE o.entry_id = e.reverses_id AND o.line = p.line AND o.account_id = p.account_id AND o.amount = -p.amount))
        OR EXISTS (SELECT 1 FROM entry o WHERE o.id = e.reverses_id AND (o.reverses_id IS NOT NULL OR o.id >= e.id)))) THEN
      PERFORM refuse('a reversal must be the exact negative of what it reverses'); END IF; END IF;
  -- the indivisible reserve: what is in 932 is nobody's, so an operation that takes from it gives no member anything, in
  -- whichever entry. What members have is told by its holder, and by the control account where a leaf names none. A
  -- reversal only takes back.
  IF lines.from_reserve THEN
    IF EXISTS (SELECT 1 FROM entry e JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id
        WHERE e.id >= NEW.first_entry AND e.reverses_id IS NULL AND p.amount < 0
          AND (a.holder IS NOT NULL OR a.gl_code IN ('821', '823', '825', '875', '901', '903', '905', '945', '946', '950'))) THEN
      PERFORM refuse('the indivisible reserve is never moved to a member'); END IF; END IF;
  -- the caches. Every leaf touched has a balance row with the account's own guards, which are CHECKs there. Of the others
  -- most rows are there already; where a leaf moves on a day for the first time, its control account may do so too.
  -- cache_by_seal wants no quote, dollar or slash in these statements.
  UPDATE balance AS b SET debit = b.debit + m.debit, credit = b.credit + m.credit
    FROM (SELECT leaf, sum(greatest(amount, 0)) AS debit, sum(greatest(-amount, 0)) AS credit
            FROM unnest(lines.leaf, lines.amount) AS l (leaf, amount) GROUP BY leaf) AS m JOIN account c ON c.id = m.leaf
   WHERE b.account_id = m.leaf AND b.floor IS NOT DISTINCT FROM c.floor AND b.ceiling IS NOT DISTINCT FROM c.ceiling;
  GET DIAGNOSTICS changed = ROW_COUNT;
  IF changed <> lines.leaves THEN PERFORM refuse('a balance row is missing, or its guard is not the account''s'); END IF;
  UPDATE control_total AS t SET debit = t.debit + s.debit, credit = t.credit + s.credit
    FROM (SELECT left(day, w.width) AS span, gl, fund, currency, sum(greatest(amount, 0)) AS debit, sum(greatest(-amount, 0)) AS credit
            FROM unnest(lines.day, lines.gl, lines.fund, lines.currency, lines.amount) AS l (day, gl, fund, currency, amount)
            CROSS JOIN (VALUES (7), (10)) AS w (width) GROUP BY 1, 2, 3, 4) AS s
   WHERE t.span = s.span AND t.gl_code = s.gl AND t.fund = s.fund AND t.currency = s.currency;
  UPDATE balance_day AS b SET debit = b.debit + m.debit, credit = b.credit + m.credit
    FROM (SELECT leaf, day, sum(greatest(amount, 0)) AS debit, sum(greatest(-amount, 0)) AS credit
            FROM unnest(lines.leaf, lines.day, lines.amount) AS l (leaf, day, amount) GROUP BY leaf, day) AS m
   WHERE b.account_id = m.leaf AND b.effective_on = m.day;
  GET DIAGNOSTICS changed = ROW_COUNT;
  IF changed = lines.leaves AND written.from_day = written.to_day THEN RETURN NULL; END IF;
  INSERT INTO balance_day (account_id, effective_on, debit, credit)
    SELECT leaf, day, sum(greatest(amount, 0)), sum(greatest(-amount, 0))
      FROM unnest(lines.leaf, lines.day, lines.amount) AS l (leaf, day, amount) GROUP BY leaf, day ON CONFLICT DO NOTHING;
  INSERT INTO control_total (span, gl_code, fund, currency, debit, credit)
    SELECT left(day, w.width), gl, fund, currency, sum(greatest(amount, 0)), sum(greatest(-amount, 0))
      FROM unnest(lines.day, lines.gl, lines.fund, lines.currency, lines.amount) AS l (day, gl, fund, currency, amount)
      CROSS JOIN (VALUES (7), (10)) AS w (width) GROUP BY 1, 2, 3, 4 ON CONFLICT DO NOTHING;
  RETURN NULL; END $$;
-- caches: only from within the seal, never by hand; guards never. The seal is a trigger, so this is one within another:
-- no statement can say that of itself. What calls is told by the engine in the server's language, innermost first: a
-- statement, and the function that it stands in, with its schema where another one has the seal's name. A statement with
-- a comment or a text in it could say the second itself; a function whose name says it has that name in quotes.
CREATE OR REPLACE FUNCTION cache_by_seal() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE calls text; called text[]; BEGIN
  GET DIAGNOSTICS calls = PG_CONTEXT;
  called := regexp_match(calls, '^([^\n]*)\n([^/]*)\n([^\n]*PL/pgSQL[^\n]*)');
  IF TG_OP = 'DELETE' OR pg_trigger_depth() < 2 OR called[2] ~ '[''$]' OR (called[3] ~ '"') <> (called[1] ~ '"')
     OR NOT coalesce(called[3] ~ '(^|[^a-z0-9_.)])(operation_seal|account_opens_balance)[(][)]', false) THEN
    PERFORM refuse(TG_TABLE_NAME || ' is kept by the seal alone'); END IF;
  RETURN NULL; END $$;
-- What a client at a distance needs said once: who writes begins with the book's lock, and learns where the chain ends.
CREATE OR REPLACE FUNCTION begin_work(OUT revision text, OUT number bigint, OUT hash bytea, OUT next_entry bigint, OUT business_date text)
  LANGUAGE plpgsql AS $$ BEGIN
  PERFORM pg_advisory_xact_lock(20261122);
  SELECT version_num INTO revision FROM alembic_version;
  SELECT o.id, o.hash, o.first_entry + o.entry_count, o.business_date INTO number, hash, next_entry, business_date
    FROM operation o ORDER BY o.id DESC LIMIT 1; END $$;

-- An operation as its client says it, with its numbers, its link and its text put together here: as bytes they are what a
-- client would have sent. It has no right that its caller has not, and proves nothing: every trigger looks at its rows.
--   beginning, said, others: the text before the number, between it and the entries, and of the rows after them
--   entries: [[effective on, memo, reverses or null, [[account, amount], ...]], ...]
CREATE OR REPLACE FUNCTION post_operation(revision text, expected bigint, beginning text, said text, entries json, others text,
    key text, kind text, kind_version bigint, actor text, approver text, business_date text, at text, request_hash bytea,
    row_count bigint, OUT number bigint, OUT first_entry bigint, OUT link bytea) LANGUAGE plpgsql AS $$
  DECLARE last record; entry_count bigint; posting_count bigint; debit_total bigint; of_entries text; sealed text; BEGIN
  PERFORM pg_advisory_xact_lock(20261122);
  SELECT o.id, o.hash, o.first_entry + o.entry_count AS next_entry INTO last FROM operation o ORDER BY o.id DESC LIMIT 1;
  number := coalesce(last.id, 0) + 1; first_entry := coalesce(last.next_entry, 1);
  last.hash := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
  IF expected <> number OR revision <> (SELECT version_num FROM alembic_version) THEN
    RAISE EXCEPTION 'these are other books than they were' USING ERRCODE = 'object_not_in_prerequisite_state'; END IF;
  WITH written AS (INSERT INTO posting (entry_id, line, account_id, amount)
      SELECT first_entry + e.n - 1, l.n, (l.line->>0)::bigint, (l.line->>1)::bigint
        FROM json_array_elements(entries) WITH ORDINALITY AS e (entry, n)
        CROSS JOIN LATERAL json_array_elements(e.entry->3) WITH ORDINALITY AS l (line, n) RETURNING amount)
    SELECT count(*), coalesce(sum(greatest(amount, 0)), 0) INTO posting_count, debit_total FROM written;
  WITH written AS (INSERT INTO entry (id, operation_id, effective_on, memo, reverses_id)
      SELECT first_entry + e.n - 1, number, e.entry->>0, e.entry->>1, (e.entry->>2)::bigint
        FROM json_array_elements(entries) WITH ORDINALITY AS e (entry, n))
    SELECT count(*), coalesce(string_agg('[' || first_entry + e.n - 1 || ',' || substr(e.entry::text, 2), ',' ORDER BY e.n), '')
      INTO entry_count, of_entries FROM json_array_elements(entries) WITH ORDINALITY AS e (entry, n);
  sealed := beginning || number || said || of_entries || others || encode(last.hash, 'hex') || '"]';
  link := sha256(convert_to(sealed, 'UTF8'));
  INSERT INTO operation VALUES (number, key, kind, kind_version, actor, approver, business_date, at, request_hash, first_entry,
    entry_count, posting_count, debit_total, row_count, last.hash, link, sealed); END $$;

DROP FUNCTION sealed_rows(bigint);
DROP FUNCTION next_operation();

-- a temporary table that bears the name of one of these must not stand in for it
DO $$ DECLARE f regprocedure; BEGIN
  FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prorettype = 'trigger'::regtype LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = public, pg_temp', f);
  END LOOP; END $$;
ALTER FUNCTION begin_work SET search_path = public, pg_temp;
ALTER FUNCTION post_operation SET search_path = public, pg_temp;
-- a plan made while the tables were small reads them whole for ever: what is new is found by index at any size; and a plan
-- is made once, not for every operation anew
ALTER FUNCTION operation_seal() SECURITY DEFINER;
ALTER FUNCTION operation_seal() SET enable_seqscan = off;
ALTER FUNCTION operation_seal() SET enable_hashjoin = off;
ALTER FUNCTION operation_seal() SET enable_mergejoin = off;
ALTER FUNCTION operation_seal() SET enable_hashagg = off;
ALTER FUNCTION operation_seal() SET enable_bitmapscan = off;
ALTER FUNCTION operation_seal() SET enable_memoize = off;
ALTER FUNCTION operation_seal() SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION account_opens_balance() SECURITY DEFINER;
