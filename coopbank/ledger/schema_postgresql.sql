-- The books on PostgreSQL: the one source of this engine's schema. The same tables, classes and rules as
-- schema_sqlite.sql, which tells how the seal works; here is what differs.
--
--   * Dates and instants are ISO text and amounts bigint, so that hashes are byte-equal on both engines.
--   * This engine can compute SHA-256, so the seal refuses a hash that is not the text's.
--   * Writers of a book take one advisory lock; a line that another transaction slips under a header not yet committed
--     is refused when it commits (sealed_late).
--   * Codes and dates are compared byte by byte (COLLATE "C"), as SQLite compares them.
--   * Caches change in the seal's own triggers only; TRUNCATE is refused everywhere. The seal runs with its owner's rights
--     and names no table of another schema, so that the program can work under a role that may SELECT everything, INSERT
--     into the sealed tables, and has no right at all to write the caches (tests/ledger/test_attacks.py makes one).

-- without regular expressions, which cost more than all else that a line is asked
CREATE FUNCTION is_day(d text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ DECLARE y int; m int; BEGIN
  IF d IS NULL THEN RETURN NULL; END IF;
  IF d NOT LIKE '____-__-__' OR translate(d, '0123456789', '') <> '--' THEN RETURN false; END IF;
  y := left(d, 4)::int; m := substr(d, 6, 2)::int;
  RETURN y > 0 AND m BETWEEN 1 AND 12 AND substr(d, 9, 2)::int BETWEEN 1 AND CASE WHEN m IN (4, 6, 9, 11) THEN 30 WHEN m <> 2 THEN 31
    WHEN y % 4 = 0 AND (y % 100 <> 0 OR y % 400 = 0) THEN 29 ELSE 28 END; END $$;
-- these two name the schema: pg_restore, which works without a search path, checks rows while it copies them
CREATE FUNCTION is_period(p text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
  RETURN p ~ '^[0-9]{4}$' OR p ~ '^[0-9]{4}-[0-9]{2}$' AND public.is_day(p || '-01') OR public.is_day(p); END $$;
CREATE FUNCTION is_instant(t text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
  RETURN t LIKE '____-__-__T__:__:__.______Z' AND translate(t, '0123456789', '') = '--T::.Z' AND public.is_day(left(t, 10))
     AND substr(t, 12, 2) <= '23' AND substr(t, 15, 2) <= '59' AND substr(t, 18, 2) <= '59'; END $$;

-- ---------------------------------------------------------------------------------------------------- sealed tables

CREATE TABLE operation (  -- sealed: one act of one person, and the link of the chain
  id            bigint PRIMARY KEY,                     -- gapless from 1
  key           text COLLATE "C" NOT NULL UNIQUE,                    -- idempotency key
  kind          text COLLATE "C" NOT NULL,                           -- name in the catalogue
  kind_version  bigint NOT NULL CHECK (kind_version > 0),
  actor         text NOT NULL CHECK (actor <> ''),
  approver      text CHECK (approver <> '' AND approver <> actor),
  business_date text COLLATE "C" NOT NULL CONSTRAINT operation_business_date CHECK (is_day(business_date)),
  at            text COLLATE "C" NOT NULL CONSTRAINT operation_at CHECK (is_instant(at)),
  request_hash  bytea NOT NULL CHECK (length(request_hash) = 32),
  first_entry   bigint NOT NULL CHECK (first_entry > 0),
  entry_count   bigint NOT NULL CHECK (entry_count >= 0),
  posting_count bigint NOT NULL CHECK (posting_count >= 2 * entry_count),
  debit_total   bigint NOT NULL CHECK (debit_total >= entry_count),
  row_count     bigint NOT NULL CHECK (row_count >= 0),  -- rows in the other sealed tables
  prev_hash     bytea NOT NULL CHECK (length(prev_hash) = 32),
  hash          bytea NOT NULL CHECK (length(hash) = 32),  -- SHA-256 of `sealed`
  sealed        text NOT NULL                             -- the exact text that was hashed, see chain.py
);

CREATE TABLE gl_account (  -- sealed: the chart, control accounts only
  code         text COLLATE "C" NOT NULL PRIMARY KEY,
  operation_id bigint NOT NULL REFERENCES operation (id) DEFERRABLE INITIALLY DEFERRED,
  line         bigint NOT NULL CHECK (line > 0),
  name         text NOT NULL,
  kind         text COLLATE "C" NOT NULL CHECK (kind IN ('asset', 'liability', 'equity', 'income', 'expense', 'memo')),
  side         text NOT NULL CHECK (side IN ('debit', 'credit')),      -- the side it normally stands on
  guard        text NOT NULL CHECK (guard IN ('floor', 'ceiling', 'none')),
  CHECK ((kind = 'memo') = (code LIKE 'M%'))
);
CREATE INDEX gl_account_operation ON gl_account (operation_id);

CREATE TABLE fund (  -- sealed: whose money it is
  code         text COLLATE "C" NOT NULL PRIMARY KEY,
  operation_id bigint NOT NULL REFERENCES operation (id) DEFERRABLE INITIALLY DEFERRED,
  line         bigint NOT NULL CHECK (line > 0),
  name         text NOT NULL,
  class        text NOT NULL CHECK (class IN ('pool', 'general', 'revolving', 'reserve', 'restricted', 'conditional', 'designated')),
  CHECK ((class = 'pool') = (code = 'POOL'))
);
CREATE INDEX fund_operation ON fund (operation_id);

CREATE TABLE account (  -- sealed: a leaf; the only thing a posting can name
  id           bigint PRIMARY KEY,
  operation_id bigint NOT NULL REFERENCES operation (id) DEFERRABLE INITIALLY DEFERRED,
  line         bigint NOT NULL CHECK (line > 0),
  gl_code      text COLLATE "C" NOT NULL REFERENCES gl_account (code),
  fund         text COLLATE "C" NOT NULL REFERENCES fund (code),
  contract     text COLLATE "C" NOT NULL,                             -- M0007, L-010, D1; empty when the control account has one leaf
  holder       text COLLATE "C",                                      -- whose it is, in the bank's own numbers
  kind         text COLLATE "C" NOT NULL,
  currency     text NOT NULL CHECK (length(currency) = 3),
  floor        bigint,                                   -- lowest balance allowed, minor units, debit +
  ceiling      bigint,                                   -- highest balance allowed
  UNIQUE (fund, gl_code, contract),
  CHECK ((currency = 'MEM') = (kind = 'memo')),
  CHECK (fund <> 'POOL' OR gl_code IN ('731', '735', '739', '879'))
);
CREATE INDEX account_operation ON account (operation_id);
CREATE INDEX account_control ON account (gl_code, fund);
CREATE INDEX account_holder ON account (holder) WHERE holder IS NOT NULL;
CREATE INDEX account_contract ON account (contract) WHERE contract <> '';

CREATE TABLE entry (  -- sealed: one balanced journal entry
  id           bigint PRIMARY KEY,                      -- gapless from 1
  operation_id bigint NOT NULL REFERENCES operation (id) DEFERRABLE INITIALLY DEFERRED,
  effective_on text COLLATE "C" NOT NULL CONSTRAINT entry_effective_on CHECK (is_day(effective_on)),
  memo         text NOT NULL,
  reverses_id  bigint REFERENCES entry (id)
);
-- an entry is reversed at most once
CREATE UNIQUE INDEX entry_reverses ON entry (reverses_id) WHERE reverses_id IS NOT NULL;
CREATE INDEX entry_day ON entry (effective_on);
CREATE INDEX entry_operation ON entry (operation_id);

CREATE TABLE posting (  -- sealed: one line of an entry
  entry_id   bigint NOT NULL REFERENCES entry (id) DEFERRABLE INITIALLY DEFERRED,
  line       bigint NOT NULL CHECK (line > 0),
  account_id bigint NOT NULL REFERENCES account (id),
  amount     bigint NOT NULL CHECK (amount <> 0),       -- minor units; debit > 0, credit < 0
  PRIMARY KEY (entry_id, line)
);
CREATE INDEX posting_account ON posting (account_id, entry_id);

CREATE TABLE period_state (  -- sealed: what is open; the latest row of a period counts
  period       text COLLATE "C" NOT NULL CHECK (is_period(period)),
  operation_id bigint NOT NULL REFERENCES operation (id) DEFERRABLE INITIALLY DEFERRED,
  line         bigint NOT NULL CHECK (line > 0),
  state        text NOT NULL CHECK (state IN ('open', 'adjusting', 'closed', 'locked')),
  PRIMARY KEY (period, operation_id)
);
CREATE INDEX period_state_operation ON period_state (operation_id);

CREATE TABLE record (  -- sealed: master data and events of the bank, a new version for every change
  operation_id bigint NOT NULL REFERENCES operation (id) DEFERRABLE INITIALLY DEFERRED,
  line         bigint NOT NULL CHECK (line > 0),
  kind         text COLLATE "C" NOT NULL,                             -- member, loan, role, hold ...: see bank/records.py
  ref          text COLLATE "C" NOT NULL,                             -- M0007, L-010, teller
  version      bigint NOT NULL CHECK (version > 0),
  about        text COLLATE "C",                                      -- whom or what it concerns, to find it by
  body         text NOT NULL CHECK (body::json IS NOT NULL),    -- canonical JSON
  PRIMARY KEY (kind, ref, version)
);
CREATE INDEX record_operation ON record (operation_id);
CREATE INDEX record_number ON record (kind, length(ref), ref) WHERE version = 1;
CREATE INDEX record_about ON record (about, kind) WHERE about IS NOT NULL;

-- ----------------------------------------------------------------------------------------------------- cache tables

CREATE TABLE balance (  -- cache: now, one row per leaf; the guards are CHECKs
  account_id bigint PRIMARY KEY REFERENCES account (id),
  debit      bigint NOT NULL DEFAULT 0,
  credit     bigint NOT NULL DEFAULT 0,
  floor      bigint,
  ceiling    bigint,
  CONSTRAINT balance_floor   CHECK (floor IS NULL OR debit - credit >= floor),
  CONSTRAINT balance_ceiling CHECK (ceiling IS NULL OR debit - credit <= ceiling)
);

CREATE TABLE balance_day (  -- cache: movements of a leaf by effective date
  account_id   bigint NOT NULL REFERENCES account (id),
  effective_on text COLLATE "C" NOT NULL,
  debit        bigint NOT NULL,
  credit       bigint NOT NULL,
  PRIMARY KEY (account_id, effective_on)
);

CREATE TABLE control_total (  -- cache: movements of a control account in a fund by month ('2026-03') and by day ('2026-03-05')
  span     text COLLATE "C" NOT NULL,
  gl_code  text COLLATE "C" NOT NULL,
  fund     text COLLATE "C" NOT NULL,
  currency text NOT NULL,
  debit    bigint NOT NULL,
  credit   bigint NOT NULL,
  PRIMARY KEY (span, gl_code, fund, currency)
);

CREATE TABLE directory (  -- cache: members by name and telephone, for the find box
  member text COLLATE "C" NOT NULL PRIMARY KEY,
  name   text NOT NULL,
  folded text COLLATE "C" NOT NULL,                                   -- lower case, accents taken off
  phone  text NOT NULL                                    -- digits only
);
CREATE INDEX directory_folded ON directory (folded);

-- ---------------------------------------------------------------------------------------------------- secret tables

CREATE TABLE personal (  -- secret: the values that sealed rows name by a salted digest only
  digest       text NOT NULL PRIMARY KEY,                 -- hex SHA-256 of salt + value
  operation_id bigint NOT NULL REFERENCES operation (id) DEFERRABLE INITIALLY DEFERRED,
  field        text NOT NULL,
  salt         bytea,                                      -- NULL once forgotten
  value        text
);
CREATE INDEX personal_operation ON personal (operation_id);

CREATE TABLE credential (  -- secret: passphrases, as Argon2id hashes
  "user"   text NOT NULL PRIMARY KEY,
  hash     text NOT NULL,
  failures bigint NOT NULL DEFAULT 0,
  until    text                                           -- locked until this instant
);

CREATE TABLE session (  -- secret: sign-ins kept by `coopbank login`
  token_hash text NOT NULL PRIMARY KEY,
  "user"     text NOT NULL,
  expires_at text NOT NULL
);

-- --------------------------------------------------------------------------------- nothing joins what is sealed

CREATE FUNCTION refuse(why text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION '%', why USING ERRCODE = 'integrity_constraint_violation'; END $$;

-- Whoever writes a sealed row waits for the book's lock first: so none can slip in under a header of somebody else's that is
-- not committed yet. Once it has the lock it sees that header, and is refused; a transaction that looks at the books as
-- they were before (REPEATABLE READ) sees neither header nor entry, and its foreign keys fail.
CREATE FUNCTION posting_sealed() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE held text; BEGIN
  held := pg_advisory_xact_lock(20261122);
  IF (SELECT min(entry_id) FROM added) < coalesce((SELECT first_entry + entry_count FROM operation ORDER BY id DESC LIMIT 1), 1) THEN
    PERFORM refuse('entry is sealed'); END IF;
  RETURN NULL; END $$;
CREATE TRIGGER posting_sealed AFTER INSERT ON posting REFERENCING NEW TABLE AS added EXECUTE FUNCTION posting_sealed();

CREATE FUNCTION rows_sealed() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE held text; BEGIN
  held := pg_advisory_xact_lock(20261122);
  IF EXISTS (SELECT 1 FROM added WHERE operation_id <> coalesce((SELECT id FROM operation ORDER BY id DESC LIMIT 1), 0) + 1) THEN
    PERFORM refuse(TG_TABLE_NAME || ' is sealed'); END IF;
  RETURN NULL; END $$;
CREATE TRIGGER entry_sealed        AFTER INSERT ON entry        REFERENCING NEW TABLE AS added EXECUTE FUNCTION rows_sealed();
CREATE TRIGGER gl_account_sealed   AFTER INSERT ON gl_account   REFERENCING NEW TABLE AS added EXECUTE FUNCTION rows_sealed();
CREATE TRIGGER fund_sealed         AFTER INSERT ON fund         REFERENCING NEW TABLE AS added EXECUTE FUNCTION rows_sealed();
CREATE TRIGGER account_sealed      AFTER INSERT ON account      REFERENCING NEW TABLE AS added EXECUTE FUNCTION rows_sealed();
CREATE TRIGGER period_state_sealed AFTER INSERT ON period_state REFERENCING NEW TABLE AS added EXECUTE FUNCTION rows_sealed();
CREATE TRIGGER record_sealed       AFTER INSERT ON record       REFERENCING NEW TABLE AS added EXECUTE FUNCTION rows_sealed();

CREATE FUNCTION account_meaning() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE g gl_account; BEGIN
  SELECT * INTO g FROM gl_account WHERE code = NEW.gl_code;
  IF NEW.kind IS DISTINCT FROM g.kind
     OR NEW.floor IS DISTINCT FROM (CASE g.guard WHEN 'floor' THEN 0 END)
     OR NEW.ceiling IS DISTINCT FROM (CASE g.guard WHEN 'ceiling' THEN 0 END) THEN
    PERFORM refuse('account does not agree with its control account'); END IF;
  RETURN NEW; END $$;
CREATE TRIGGER account_meaning BEFORE INSERT ON account FOR EACH ROW EXECUTE FUNCTION account_meaning();

CREATE FUNCTION record_follows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.version <> 1 + coalesce((SELECT max(version) FROM record WHERE kind = NEW.kind AND ref = NEW.ref), 0) THEN
    PERFORM refuse('the version of a record does not follow'); END IF;
  RETURN NEW; END $$;
CREATE TRIGGER record_follows BEFORE INSERT ON record FOR EACH ROW EXECUTE FUNCTION record_follows();

-- -------------------------------------------------------------------------------------------------------- the chain

CREATE FUNCTION operation_chain() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE held text; last record; BEGIN
  held := pg_advisory_xact_lock(20261122);
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
  IF NEW.business_date < last.business_date OR NEW.business_date > left(NEW.at, 10) COLLATE "C" AND NEW.business_date::date > left(NEW.at, 10)::date + 1 THEN
    PERFORM refuse('business date goes back, or lies in the future'); END IF;
  RETURN NEW; END $$;
CREATE TRIGGER operation_chain BEFORE INSERT ON operation FOR EACH ROW EXECUTE FUNCTION operation_chain();

-- -------------------------------------------------------------------------------------------------------- the seal

CREATE FUNCTION state_before(p text, op bigint) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT state FROM period_state WHERE period = p AND operation_id < op ORDER BY operation_id DESC LIMIT 1 $$;

-- The seal asks little and at once, since each question costs as much as the few lines that it is about; what is seldom is
-- asked only where it may be so.
CREATE FUNCTION operation_seal() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE t jsonb := NEW.sealed::jsonb; written record; lines record; summed record; states record; changed bigint;
  of_leaf record; days text[]; leaves bigint[]; leaf_days text[]; in_debit bigint[]; in_credit bigint[];  -- what the rows of the caches move by
  spans text[]; gls text[]; funds text[]; currencies text[]; debits bigint[]; credits bigint[]; BEGIN
  -- the hashed text says the same as the columns
  IF t IS DISTINCT FROM jsonb_build_array(t->0, t->1, NEW.id, NEW.at, NEW.business_date, NEW.actor, NEW.approver, NEW.kind, NEW.kind_version,
       NEW.key, t->10, t->11, t->12, encode(NEW.prev_hash, 'hex'))
     OR jsonb_array_length(t->11) IS DISTINCT FROM NEW.entry_count OR jsonb_array_length(t->12) IS DISTINCT FROM NEW.row_count THEN
    PERFORM refuse('sealed text differs from its columns'); END IF;
  -- entries: gapless, all of this operation, none left over; and as many other rows as the header says
  SELECT count(*) AS n, min(id) AS a, max(id) AS z, bool_and(operation_id = NEW.id) AS own,
         min(effective_on) AS from_day, max(effective_on) AS to_day, count(reverses_id) AS reversals
    INTO written FROM entry WHERE id >= NEW.first_entry;
  IF NEW.row_count <> (SELECT count(*) FROM (SELECT FROM record WHERE operation_id = NEW.id
       UNION ALL SELECT FROM account WHERE operation_id = NEW.id UNION ALL SELECT FROM period_state WHERE operation_id = NEW.id
       UNION ALL SELECT FROM gl_account WHERE operation_id = NEW.id UNION ALL SELECT FROM fund WHERE operation_id = NEW.id) AS of_operation) THEN
    PERFORM refuse('count of rows differs'); END IF;
  IF written.n <> NEW.entry_count OR written.n > 0 AND (written.a <> NEW.first_entry OR written.z <> NEW.first_entry + written.n - 1 OR NOT written.own) THEN
    PERFORM refuse('entries are not gapless'); END IF;
  -- the lines, read once: as many and as much as the header says, numbered from 1, even in each fund and currency
  SELECT count(*) AS n, count(c.id) AS known, coalesce(sum(greatest(p.amount, 0)), 0) AS debits, max(p.entry_id) AS z, max(p.line) AS last_line,
         sum(p.amount) AS total, min(c.fund) = max(c.fund) AND min(c.currency) = max(c.currency) AS one_group, count(DISTINCT p.account_id) AS leaves,
         count(DISTINCT c.gl_code || ' ' || c.fund || ' ' || c.currency) AS controls,
         bool_or(p.amount > 0 AND c.gl_code = '932') AS from_reserve, array_agg(p.entry_id) AS entry, array_agg(p.line) AS line,
         array_agg(p.account_id) AS leaf, array_agg(p.amount) AS amount,
         array_agg(greatest(p.amount, 0)) AS debit, array_agg(greatest(-p.amount, 0)) AS credit, array_agg(c.floor) AS floor,
         array_agg(c.ceiling) AS ceiling, array_agg(c.gl_code) AS gl, array_agg(c.fund) AS fund, array_agg(c.currency) AS currency
    INTO lines FROM posting p LEFT JOIN account c ON c.id = p.account_id
   WHERE p.entry_id >= NEW.first_entry;
  IF lines.n <> NEW.posting_count OR lines.known <> lines.n OR lines.debits <> NEW.debit_total OR lines.z >= NEW.first_entry + NEW.entry_count THEN
    PERFORM refuse('control totals differ'); END IF;
  IF NEW.entry_count = 0 THEN RETURN NULL; END IF;
  IF NEW.entry_count > 1 OR NOT lines.one_group THEN
    SELECT count(*) AS n, bool_and(n >= 2 AND n = last_line) AS numbered, bool_and(even) AS even
      INTO summed FROM (
        SELECT entry, sum(n) AS n, max(last_line) AS last_line, bool_and(total = 0) AS even
          FROM (SELECT entry, count(*) AS n, max(line) AS last_line, sum(amount) AS total
                  FROM unnest(lines.entry, lines.line, lines.fund, lines.currency, lines.amount) AS l (entry, line, fund, currency, amount)
                 GROUP BY entry, fund, currency) AS of_fund
         GROUP BY entry) AS of_entry;
    IF summed.n <> NEW.entry_count OR NOT summed.numbered THEN
      PERFORM refuse('lines are not numbered from 1, or an entry has fewer than two'); END IF;
    IF NOT summed.even THEN PERFORM refuse('entry does not balance'); END IF;
  ELSE  -- all is one group
    IF lines.n < 2 OR lines.n <> lines.last_line THEN PERFORM refuse('lines are not numbered from 1, or an entry has fewer than two'); END IF;
    IF lines.total <> 0 THEN PERFORM refuse('entry does not balance'); END IF;
  END IF;
  -- dates and periods: the day is open, no entry lies after it, none in a locked period, an earlier one has two people
  SELECT (SELECT state FROM period_state WHERE period = NEW.business_date AND operation_id < NEW.id ORDER BY operation_id DESC LIMIT 1) AS of_day,
         (SELECT state FROM period_state WHERE period = left(NEW.business_date, 7) AND operation_id < NEW.id ORDER BY operation_id DESC LIMIT 1) AS of_month,
         (SELECT state FROM period_state WHERE period = left(NEW.business_date, 4) AND operation_id < NEW.id ORDER BY operation_id DESC LIMIT 1) AS of_year
    INTO states;
  IF states.of_day IS DISTINCT FROM 'open' THEN PERFORM refuse('the business day is not open'); END IF;
  IF written.to_day > NEW.business_date OR written.from_day < NEW.business_date AND NEW.approver IS NULL THEN
    PERFORM refuse('entry is dated in the future, or in the past without a second person'); END IF;
  IF written.from_day = NEW.business_date THEN  -- so are all
    IF states.of_month = 'locked' OR states.of_year = 'locked' THEN PERFORM refuse('the period is locked'); END IF;
  ELSE
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
  -- the caches: what each row of them moves by. Where every line has a leaf and a control account of its own, the lines are that.
  IF written.from_day = written.to_day THEN days := array_fill(written.to_day, ARRAY[lines.n::int]);
  ELSE SELECT array_agg(e.effective_on ORDER BY l.place) INTO days FROM unnest(lines.entry) WITH ORDINALITY AS l (entry, place) JOIN entry e ON e.id = l.entry;
  END IF;
  IF lines.leaves = lines.n THEN
    of_leaf := lines; leaves := lines.leaf; leaf_days := days; in_debit := lines.debit; in_credit := lines.credit;
  ELSE
    SELECT array_agg(leaf) AS leaf, array_agg(floor) AS floor, array_agg(ceiling) AS ceiling, array_agg(debit) AS debit, array_agg(credit) AS credit
      INTO of_leaf FROM (
        SELECT leaf, max(floor) AS floor, max(ceiling) AS ceiling, sum(debit)::bigint AS debit, sum(credit)::bigint AS credit
          FROM unnest(lines.leaf, lines.floor, lines.ceiling, lines.debit, lines.credit) AS l (leaf, floor, ceiling, debit, credit) GROUP BY leaf) AS m;
    SELECT array_agg(leaf), array_agg(day), array_agg(debit), array_agg(credit) INTO leaves, leaf_days, in_debit, in_credit FROM (
        SELECT leaf, day, sum(debit)::bigint AS debit, sum(credit)::bigint AS credit
          FROM unnest(lines.leaf, days, lines.debit, lines.credit) AS l (leaf, day, debit, credit) GROUP BY leaf, day) AS m;
  END IF;
  IF lines.controls = lines.n AND written.from_day = written.to_day THEN
    spans := array_fill(left(written.to_day, 7), ARRAY[lines.n::int]) || days;
    gls := lines.gl || lines.gl; funds := lines.fund || lines.fund; currencies := lines.currency || lines.currency;
    debits := lines.debit || lines.debit; credits := lines.credit || lines.credit;
  ELSE
    SELECT array_agg(span), array_agg(gl), array_agg(fund), array_agg(currency), array_agg(debit), array_agg(credit)
      INTO spans, gls, funds, currencies, debits, credits FROM (
        SELECT left(day, w.width) AS span, gl, fund, currency, sum(debit)::bigint AS debit, sum(credit)::bigint AS credit
          FROM unnest(days, lines.gl, lines.fund, lines.currency, lines.debit, lines.credit) AS l (day, gl, fund, currency, debit, credit)
          CROSS JOIN (VALUES (7), (10)) AS w (width) GROUP BY 1, 2, 3, 4) AS m;
  END IF;
  -- Every leaf touched has a balance row with the account's own guards, which are CHECKs there. Of the others most rows are
  -- there already; where a leaf moves on a day for the first time, its control account may do so too.
  -- cache_by_seal wants no quote, dollar or slash in these statements, nor two hyphens.
  UPDATE balance AS b SET debit = b.debit + m.debit, credit = b.credit + m.credit
    FROM unnest(of_leaf.leaf, of_leaf.floor, of_leaf.ceiling, of_leaf.debit, of_leaf.credit) AS m (leaf, floor, ceiling, debit, credit)
   WHERE b.account_id = m.leaf AND b.floor IS NOT DISTINCT FROM m.floor AND b.ceiling IS NOT DISTINCT FROM m.ceiling;
  GET DIAGNOSTICS changed = ROW_COUNT;
  IF changed <> lines.leaves THEN PERFORM refuse('a balance row is missing, or its guard is not the account''s'); END IF;
  UPDATE control_total AS t SET debit = t.debit + m.debit, credit = t.credit + m.credit
    FROM unnest(spans, gls, funds, currencies, debits, credits) AS m (span, gl, fund, currency, debit, credit)
   WHERE t.span = m.span AND t.gl_code = m.gl AND t.fund = m.fund AND t.currency = m.currency;
  UPDATE balance_day AS b SET debit = b.debit + m.debit, credit = b.credit + m.credit
    FROM unnest(leaves, leaf_days, in_debit, in_credit) AS m (leaf, day, debit, credit)
   WHERE b.account_id = m.leaf AND b.effective_on = m.day;
  GET DIAGNOSTICS changed = ROW_COUNT;
  IF changed = cardinality(leaves) THEN RETURN NULL; END IF;
  INSERT INTO balance_day (account_id, effective_on, debit, credit)
    SELECT leaf, day, debit, credit
      FROM unnest(leaves, leaf_days, in_debit, in_credit) AS m (leaf, day, debit, credit) ON CONFLICT DO NOTHING;
  INSERT INTO control_total (span, gl_code, fund, currency, debit, credit)
    SELECT span, gl, fund, currency, debit, credit
      FROM unnest(spans, gls, funds, currencies, debits, credits) AS m (span, gl, fund, currency, debit, credit) ON CONFLICT DO NOTHING;
  RETURN NULL; END $$;
CREATE TRIGGER operation_seal AFTER INSERT ON operation FOR EACH ROW EXECUTE FUNCTION operation_seal();

CREATE FUNCTION account_opens_balance() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO balance (account_id, floor, ceiling) VALUES (NEW.id, NEW.floor, NEW.ceiling); RETURN NULL; END $$;
CREATE TRIGGER account_opens_balance AFTER INSERT ON account FOR EACH ROW EXECUTE FUNCTION account_opens_balance();

-- ------------------------------------------------------------------------------------------- one round trip

-- What a client at a distance needs said once: who writes begins with the book's lock, and learns where the chain ends, and
-- after which operation no record and no period's state was written any more.
CREATE FUNCTION begin_work(OUT revision text, OUT number bigint, OUT hash bytea, OUT next_entry bigint, OUT business_date text, OUT master bytea)
  LANGUAGE plpgsql AS $$ DECLARE held text; BEGIN
  held := pg_advisory_xact_lock(20261122);
  SELECT o.id, o.hash, o.first_entry + o.entry_count, o.business_date INTO number, hash, next_entry, business_date
    FROM operation o ORDER BY o.id DESC LIMIT 1;
  revision := (SELECT version_num FROM alembic_version);
  master := (SELECT m.hash FROM operation m WHERE m.id = greatest((SELECT max(operation_id) FROM record), (SELECT max(operation_id) FROM period_state)));
  END $$;

CREATE FUNCTION other_books() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'these are other books than they were' USING ERRCODE = 'object_not_in_prerequisite_state'; END $$;

-- An operation as its client says it, with its numbers, its link and its text put together here: as bytes they are what a
-- client would have sent. It has no right that its caller has not, and proves nothing: every trigger looks at its rows.
--   beginning, said, others: the text before the number, between it and the entries, and of the rows after them
--   days, memos, reversed, texts: of each entry, the text without its number and the bracket before it
--   places, lines, leaves, amounts: of each line, the place of its entry from 0 first
-- It answers with its number, that of its first entry, and its hash.
CREATE FUNCTION post_operation(revision text, expected bigint, beginning text, said text, others text, days text[], memos text[],
    reversed bigint[], texts text[], places bigint[], lines bigint[], leaves bigint[], amounts bigint[], debit_total bigint,
    key text, kind text, kind_version bigint, actor text, approver text, business_date text, at text, request_hash bytea,
    row_count bigint) RETURNS text LANGUAGE plpgsql AS $$
  DECLARE held text; last record; number bigint; first_entry bigint; link bytea; sealed text; BEGIN
  held := pg_advisory_xact_lock(20261122);
  SELECT o.id, o.hash, o.first_entry + o.entry_count AS next_entry INTO last FROM operation o ORDER BY o.id DESC LIMIT 1;
  number := coalesce(last.id, 0) + 1; first_entry := coalesce(last.next_entry, 1);
  last.hash := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
  IF revision IS NOT NULL THEN
    IF revision <> (SELECT version_num FROM alembic_version) THEN PERFORM other_books(); END IF; END IF;
  IF expected <> number THEN PERFORM other_books(); END IF;
  IF cardinality(texts) = 1 THEN sealed := '[' || first_entry || ',' || texts[1];
  ELSE SELECT coalesce(string_agg('[' || first_entry + t.n - 1 || ',' || t.text, ',' ORDER BY t.n), '') INTO sealed FROM unnest(texts) WITH ORDINALITY AS t (text, n);
  END IF;
  sealed := beginning || number || said || sealed || others || encode(last.hash, 'hex') || '"]';
  link := sha256(convert_to(sealed, 'UTF8'));
  IF cardinality(texts) > 0 THEN
    INSERT INTO posting (entry_id, line, account_id, amount)
      SELECT first_entry + l.place, l.line, l.leaf, l.amount FROM unnest(places, lines, leaves, amounts) AS l (place, line, leaf, amount);
    INSERT INTO entry (id, operation_id, effective_on, memo, reverses_id)
      SELECT first_entry + e.n - 1, number, e.day, e.memo, e.reversed FROM unnest(days, memos, reversed) WITH ORDINALITY AS e (day, memo, reversed, n);
  END IF;
  INSERT INTO operation VALUES (number, key, kind, kind_version, actor, approver, business_date, at, request_hash, first_entry,
    cardinality(texts), cardinality(amounts), debit_total, row_count, last.hash, link, sealed);
  RETURN number || ' ' || first_entry || ' ' || encode(link, 'hex'); END $$;

-- ------------------------------------------------------------------------------------------------------ append only

CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  PERFORM refuse(TG_TABLE_NAME || ' is append-only'); RETURN NULL; END $$;
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['operation', 'entry', 'posting', 'gl_account', 'fund', 'account', 'period_state', 'record'] LOOP
    EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION append_only()', t || '_append_only', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['operation', 'entry', 'posting', 'gl_account', 'fund', 'account', 'period_state', 'record',
                           'balance', 'balance_day', 'control_total'] LOOP
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I EXECUTE FUNCTION append_only()', t || '_no_truncate', t);
  END LOOP; END $$;

-- caches: only from within the seal, never by hand; guards never. The seal is a trigger, so this is one within another:
-- no statement can say that of itself. What calls is told by the engine in the server's language, innermost first: a
-- statement, and the function that it stands in, with its schema where another one has the seal's name. A statement with
-- a comment or a text in it could say the second itself; a function whose name says it has that name in quotes.
CREATE FUNCTION cache_by_seal() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE calls text; statement text; called text; place int; BEGIN
  GET DIAGNOSTICS calls = PG_CONTEXT;
  statement := split_part(calls, '/', 2);  -- the end of this function's line, a statement, and the next function's line up to PL
  called := split_part(statement, E'\n', -1) || '/' || split_part(split_part(calls, '/', 3), E'\n', 1);
  place := greatest(strpos(called, 'operation_seal()'), strpos(called, 'account_opens_balance()'));
  IF TG_OP = 'DELETE' OR pg_trigger_depth() < 2 OR split_part(statement, E'\n', 3) = ''
     OR strpos(statement, '''') > 0 OR strpos(statement, '$') > 0 OR strpos(statement, '--') > 0
     OR (strpos(called, '"') > 0) <> (strpos(split_part(calls, E'\n', 1), '"') > 0) OR strpos(called, 'PL/pgSQL') = 0
     OR place = 0 OR strpos('abcdefghijklmnopqrstuvwxyz0123456789_.)', substr(' ' || called, place, 1)) > 0 THEN
    PERFORM refuse(TG_TABLE_NAME || ' is kept by the seal alone'); END IF;
  RETURN NULL; END $$;
CREATE TRIGGER balance_by_seal       BEFORE INSERT OR UPDATE OR DELETE ON balance       EXECUTE FUNCTION cache_by_seal();
CREATE TRIGGER balance_day_by_seal   BEFORE INSERT OR UPDATE OR DELETE ON balance_day   EXECUTE FUNCTION cache_by_seal();
CREATE TRIGGER control_total_by_seal BEFORE INSERT OR UPDATE OR DELETE ON control_total EXECUTE FUNCTION cache_by_seal();

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
-- leaves are told apart after the new lines were found, not by an index that has a place for every leaf there is; and what
-- looks dear in a large book, since nobody knows beforehand how little is new, is not compiled for every operation
ALTER FUNCTION operation_seal() SET enable_presorted_aggregate = off;
ALTER FUNCTION operation_seal() SET jit = off;
ALTER FUNCTION account_opens_balance() SECURITY DEFINER;
