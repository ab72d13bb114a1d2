-- The books on PostgreSQL: the one source of this engine's schema. The same tables, classes and rules as
-- schema_sqlite.sql, which tells how the seal works; here is what differs.
--
--   * Dates and instants are ISO text and amounts bigint, so that hashes are byte-equal on both engines.
--   * This engine can compute SHA-256, so the seal refuses a hash that is not the text's.
--   * Entries and their lines are written by the seal alone, out of the text that it seals: whoever writes an operation
--     writes its other rows, and then the header. So what is stored is what was hashed, in fewer statements.
--   * Writers of a book take one advisory lock; a row that another transaction slips under a header not yet committed
--     waits for it, and is refused.
--   * Codes and dates are compared byte by byte (COLLATE "C"), as SQLite compares them.
--   * Caches, entries and lines change in the seal's own triggers only; TRUNCATE is refused everywhere. The seal runs with
--     its owner's rights and names no table of another schema, so that the program can work under a role that may SELECT
--     everything, INSERT into the sealed tables, and has no right at all to write the caches (tests/ledger/test_attacks.py
--     makes one).

-- without regular expressions, which cost more than all else that a row is asked, and each in one expression
CREATE FUNCTION is_day(d text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
  RETURN d LIKE '____-__-__' AND translate(d, '0123456789', '') = '--' AND left(d, 4) <> '0000'
     AND CASE substr(d, 6, 2) WHEN '02' THEN substr(d, 9, 2)::int BETWEEN 1 AND CASE
             WHEN left(d, 4)::int % 4 = 0 AND (left(d, 4)::int % 100 <> 0 OR left(d, 4)::int % 400 = 0) THEN 29 ELSE 28 END
           ELSE substr(d, 6, 2)::int BETWEEN 1 AND 12
            AND substr(d, 9, 2)::int BETWEEN 1 AND CASE WHEN substr(d, 6, 2) IN ('04', '06', '09', '11') THEN 30 ELSE 31 END END; END $$;
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
  operation_id bigint NOT NULL REFERENCES operation (id),
  effective_on text COLLATE "C" NOT NULL CONSTRAINT entry_effective_on CHECK (is_day(effective_on)),
  memo         text NOT NULL,
  reverses_id  bigint REFERENCES entry (id)
);
-- an entry is reversed at most once
CREATE UNIQUE INDEX entry_reverses ON entry (reverses_id) WHERE reverses_id IS NOT NULL;
CREATE INDEX entry_day ON entry (effective_on);
CREATE INDEX entry_operation ON entry (operation_id);

CREATE TABLE posting (  -- sealed: one line of an entry
  entry_id   bigint NOT NULL REFERENCES entry (id),
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
-- they were before (REPEATABLE READ) sees no header, and its foreign keys fail.
CREATE FUNCTION rows_sealed() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE held text; BEGIN
  held := pg_advisory_xact_lock(20261122);
  IF EXISTS (SELECT 1 FROM added WHERE operation_id <> coalesce((SELECT id FROM operation ORDER BY id DESC LIMIT 1), 0) + 1) THEN
    PERFORM refuse(TG_TABLE_NAME || ' is sealed'); END IF;
  RETURN NULL; END $$;
CREATE TRIGGER gl_account_sealed   AFTER INSERT ON gl_account   REFERENCING NEW TABLE AS added EXECUTE FUNCTION rows_sealed();
CREATE TRIGGER fund_sealed         AFTER INSERT ON fund         REFERENCING NEW TABLE AS added EXECUTE FUNCTION rows_sealed();
CREATE TRIGGER account_sealed      AFTER INSERT ON account      REFERENCING NEW TABLE AS added EXECUTE FUNCTION rows_sealed();
CREATE TRIGGER period_state_sealed AFTER INSERT ON period_state REFERENCING NEW TABLE AS added EXECUTE FUNCTION rows_sealed();
CREATE TRIGGER record_sealed       AFTER INSERT ON record       REFERENCING NEW TABLE AS added EXECUTE FUNCTION rows_sealed();

-- Entries and lines come with their header, or not at all: what is added is all entries of an operation, or all their first
-- lines, and none can be there twice. So nothing joins them afterwards, whoever says that it is the seal; and before their
-- header the foreign keys refuse them.
CREATE FUNCTION with_header() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_TABLE_NAME = 'entry' THEN
    IF EXISTS (SELECT FROM (SELECT min(id) AS a, count(*) AS n, min(operation_id) AS of FROM added) AS these
        JOIN operation o ON o.id = these.of WHERE a = o.first_entry AND n = o.entry_count) THEN RETURN NULL; END IF;
  ELSIF EXISTS (SELECT FROM (SELECT min(entry_id) AS a, count(*) FILTER (WHERE line = 1) AS n FROM added) AS these
      JOIN entry e ON e.id = a JOIN operation o ON o.id = e.operation_id WHERE a = o.first_entry AND n = o.entry_count) THEN RETURN NULL; END IF;
  PERFORM refuse(TG_TABLE_NAME || ' is written when it is sealed, by the seal alone'); RETURN NULL; END $$;
CREATE TRIGGER entry_with_header   AFTER INSERT ON entry   REFERENCING NEW TABLE AS added EXECUTE FUNCTION with_header();
CREATE TRIGGER posting_with_header AFTER INSERT ON posting REFERENCING NEW TABLE AS added EXECUTE FUNCTION with_header();

-- The seal counts the rows of a header that says it has some; of one that says none, each row that there is all the same
-- finds that out when it commits.
CREATE FUNCTION row_counted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF coalesce((SELECT row_count FROM operation WHERE id = NEW.operation_id), 0) = 0 THEN PERFORM refuse('count of rows differs'); END IF;
  RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER gl_account_counted   AFTER INSERT ON gl_account   DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION row_counted();
CREATE CONSTRAINT TRIGGER fund_counted         AFTER INSERT ON fund         DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION row_counted();
CREATE CONSTRAINT TRIGGER account_counted      AFTER INSERT ON account      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION row_counted();
CREATE CONSTRAINT TRIGGER period_state_counted AFTER INSERT ON period_state DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION row_counted();
CREATE CONSTRAINT TRIGGER record_counted       AFTER INSERT ON record       DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION row_counted();

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

CREATE FUNCTION other_books() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'these are other books than they were' USING ERRCODE = 'object_not_in_prerequisite_state'; END $$;

-- Who leaves the hash to the database says an operation without what stands before it: number, first entry, link and text are
-- put together here, and as bytes they are what a client would have sent. `sealed` is then a line each of: the revision that
-- the client works with, or nothing where it relies on the number that it gives; the text before the number; that between it
-- and the first entry's number; that after the entries; and of each entry the text after its number. No text of the form
-- holds a raw end of line. What comes of it is proven as if the client had sent it.
CREATE FUNCTION operation_chain() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE held text; last record; said text[]; BEGIN
  held := pg_advisory_xact_lock(20261122);
  SELECT o.id + 1 AS id, o.hash, o.first_entry + o.entry_count AS next_entry, o.business_date, left(o.sealed, 49) AS beginning,
         (SELECT version_num FROM alembic_version) AS revision
    INTO last FROM operation o ORDER BY o.id DESC LIMIT 1;
  IF last.id IS NULL THEN last.id := 1; last.hash := decode(repeat('00', 32), 'hex'); last.next_entry := 1; END IF;
  IF NEW.hash IS NULL THEN
    said := string_to_array(NEW.sealed, E'\n');
    IF NEW.id <> last.id OR said[1] <> '' AND said[1] <> last.revision THEN PERFORM other_books(); END IF;
    NEW.id := last.id; NEW.first_entry := last.next_entry; NEW.prev_hash := last.hash;
    IF NEW.entry_count > 1 THEN
      said[5] := (SELECT string_agg(CASE WHEN n > 1 THEN last.next_entry + n - 1 || x ELSE x END, ',[' ORDER BY n) FROM unnest(said[5:]) WITH ORDINALITY AS e (x, n)); END IF;
    NEW.sealed := said[2] || last.id || said[3] || CASE WHEN NEW.entry_count > 0 THEN last.next_entry || said[5] ELSE '' END
      || said[4] || encode(last.hash, 'hex') || '"]';
    NEW.hash := sha256(convert_to(NEW.sealed, 'UTF8'));
  ELSE
    IF NEW.id IS DISTINCT FROM last.id OR NEW.prev_hash <> last.hash OR NEW.first_entry <> last.next_entry THEN
      PERFORM refuse('operation does not continue the chain'); END IF;
    IF NEW.hash <> sha256(convert_to(NEW.sealed, 'UTF8')) THEN PERFORM refuse('hash is not the SHA-256 of the sealed text'); END IF;
  END IF;
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
-- asked only where it may be so. It writes the entries, their lines and the caches out of the text, and refuses afterwards what
-- should not stand, since then nothing of it does.
-- It begins by asking whose trigger it is: a table of somebody's own, with columns of their own types, would have its casts run
-- with the owner's rights as soon as one was read.
CREATE FUNCTION operation_seal() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE t jsonb; w record; summed record; reserve CONSTANT text := '932'; BEGIN
  IF TG_RELID <> 'operation'::regclass THEN PERFORM refuse(TG_TABLE_NAME || ' is not sealed'); END IF; t := NEW.sealed::jsonb;  -- of which the columns say the same
  IF t IS DISTINCT FROM jsonb_build_array(t->0, t->1, NEW.id, NEW.at, NEW.business_date, NEW.actor, NEW.approver, NEW.kind, NEW.kind_version,
       NEW.key, t->10, t->11, t->12, encode(NEW.prev_hash, 'hex'))
     OR jsonb_array_length(t->11) IS DISTINCT FROM NEW.entry_count OR jsonb_array_length(t->12) IS DISTINCT FROM NEW.row_count THEN
    PERFORM refuse('sealed text differs from its columns'); END IF;
  -- as many other rows as the header says; where it says none, each row asks that itself (row_counted)
  IF NEW.row_count > 0 THEN
    IF NEW.row_count <> (SELECT count(*) FROM (SELECT FROM record WHERE operation_id = NEW.id
         UNION ALL SELECT FROM account WHERE operation_id = NEW.id UNION ALL SELECT FROM period_state WHERE operation_id = NEW.id
         UNION ALL SELECT FROM gl_account WHERE operation_id = NEW.id UNION ALL SELECT FROM fund WHERE operation_id = NEW.id) AS of_operation) THEN
      PERFORM refuse('count of rows differs'); END IF; END IF;
  IF NEW.entry_count = 0 THEN
    IF NEW.posting_count <> 0 OR NEW.debit_total <> 0 THEN PERFORM refuse('control totals differ'); END IF;
    RETURN NULL; END IF;
  -- entries and lines with the numbers of their places, and what each row of the caches moves by. Most of those rows are there.
  -- by_seal wants no quote, dollar or slash in a statement that writes these tables, nor two hyphens.
  WITH said AS MATERIALIZED (
    SELECT NEW.first_entry + n - 1 AS id, (x->>1) COLLATE "C" AS day, x->>2 AS memo, (x->>3)::bigint AS reverses, x->4 AS lines, x - 4 AS said
      FROM jsonb_array_elements(t->11) WITH ORDINALITY AS e (x, n)),
  line AS MATERIALIZED (
    SELECT e.id, l.n, (l.x->>0)::bigint AS leaf, (l.x->>1)::bigint AS amount, l.x AS said, e.day, a.id AS known, a.gl_code, a.fund, a.currency, a.floor, a.ceiling
      FROM said e CROSS JOIN jsonb_array_elements(e.lines) WITH ORDINALITY AS l (x, n) LEFT JOIN account a ON a.id = (l.x->>0)::bigint),
  entries AS (
    INSERT INTO entry (id, operation_id, effective_on, memo, reverses_id) SELECT id, NEW.id, day, memo, reverses FROM said),
  lines AS (
    INSERT INTO posting (entry_id, line, account_id, amount) SELECT id, n, leaf, amount FROM line),
  now AS (
    UPDATE balance AS b SET debit = b.debit + m.debit, credit = b.credit + m.credit
      FROM (SELECT leaf, floor, ceiling, sum(greatest(amount, 0))::bigint AS debit, sum(greatest(-amount, 0))::bigint AS credit
              FROM line GROUP BY leaf, floor, ceiling) AS m
     WHERE b.account_id = m.leaf AND b.floor IS NOT DISTINCT FROM m.floor AND b.ceiling IS NOT DISTINCT FROM m.ceiling RETURNING 1),
  by_day AS (
    UPDATE balance_day AS b SET debit = b.debit + m.debit, credit = b.credit + m.credit
      FROM (SELECT leaf, day, sum(greatest(amount, 0))::bigint AS debit, sum(greatest(-amount, 0))::bigint AS credit FROM line GROUP BY leaf, day) AS m
     WHERE b.account_id = m.leaf AND b.effective_on = m.day RETURNING 1),
  controls AS (
    UPDATE control_total AS t SET debit = t.debit + m.debit, credit = t.credit + m.credit
      FROM (SELECT left(day, s.width) AS span, gl_code, fund, currency, sum(greatest(amount, 0))::bigint AS debit, sum(greatest(-amount, 0))::bigint AS credit
              FROM line CROSS JOIN (VALUES (7), (10)) AS s (width) GROUP BY 1, 2, 3, 4) AS m
     WHERE t.span = m.span AND t.gl_code = m.gl_code AND t.fund = m.fund AND t.currency = m.currency)
  SELECT count(*) AS n, count(known) AS known, coalesce(sum(greatest(amount, 0)), 0) AS debits, sum(amount) AS total,
         min(fund) = max(fund) AND min(currency) = max(currency) AS one_group, bool_or(amount > 0 AND gl_code = reserve) AS from_reserve,
         min(day) AS from_day, max(day) AS to_day, count(DISTINCT leaf) AS leaves, bool_and(said = jsonb_build_array(leaf, amount)) AS as_said,
         (SELECT CASE WHEN bool_and(said = jsonb_build_array(id, day, memo, reverses)) THEN count(reverses) END FROM said) AS reversals,
         (SELECT count(*) FROM now) AS moved, (SELECT count(*) FROM by_day) AS moved_days,
         (SELECT state FROM period_state WHERE period = NEW.business_date AND operation_id < NEW.id ORDER BY operation_id DESC LIMIT 1) AS of_day,
         (SELECT state FROM period_state WHERE period = left(NEW.business_date, 7) AND operation_id < NEW.id ORDER BY operation_id DESC LIMIT 1) AS of_month,
         (SELECT state FROM period_state WHERE period = left(NEW.business_date, 4) AND operation_id < NEW.id ORDER BY operation_id DESC LIMIT 1) AS of_year
    INTO w FROM line;
  IF w.reversals IS NULL OR w.as_said IS DISTINCT FROM true THEN PERFORM refuse('entries are not gapless, or not of the form'); END IF;
  IF w.n <> NEW.posting_count OR w.known <> w.n OR w.debits <> NEW.debit_total THEN PERFORM refuse('control totals differ'); END IF;
  IF w.moved <> w.leaves THEN PERFORM refuse('a balance row is missing, or its guard is not the account''s'); END IF;
  -- each entry has two lines or more, and is even in each fund and currency
  IF NEW.entry_count > 1 OR NOT w.one_group THEN
    SELECT count(*) AS n, bool_and(n >= 2) AS whole, bool_and(even) AS even INTO summed FROM (
      SELECT entry_id, sum(n) AS n, bool_and(total = 0) AS even
        FROM (SELECT p.entry_id, count(*) AS n, sum(p.amount) AS total FROM posting p JOIN account a ON a.id = p.account_id
               WHERE p.entry_id >= NEW.first_entry GROUP BY p.entry_id, a.fund, a.currency) AS of_fund
       GROUP BY entry_id) AS of_entry;
    IF summed.n <> NEW.entry_count OR NOT summed.whole THEN PERFORM refuse('an entry has fewer than two lines'); END IF;
    IF NOT summed.even THEN PERFORM refuse('entry does not balance'); END IF;
  ELSE  -- all is one group
    IF w.n < 2 THEN PERFORM refuse('an entry has fewer than two lines'); END IF;
    IF w.total <> 0 THEN PERFORM refuse('entry does not balance'); END IF;
  END IF;
  -- dates and periods: the day is open, no entry lies after it, none in a locked period, an earlier one has two people
  IF w.of_day IS DISTINCT FROM 'open' THEN PERFORM refuse('the business day is not open'); END IF;
  IF w.to_day > NEW.business_date OR w.from_day < NEW.business_date AND NEW.approver IS NULL THEN
    PERFORM refuse('entry is dated in the future, or in the past without a second person'); END IF;
  IF w.from_day = NEW.business_date THEN  -- so are all
    IF w.of_month = 'locked' OR w.of_year = 'locked' THEN PERFORM refuse('the period is locked'); END IF;
  ELSE
    IF EXISTS (SELECT 1 FROM (SELECT DISTINCT effective_on AS d FROM entry WHERE id >= NEW.first_entry) AS days
        WHERE state_before(left(d, 7), NEW.id) = 'locked' OR state_before(left(d, 4), NEW.id) = 'locked') THEN
      PERFORM refuse('the period is locked'); END IF; END IF;
  -- a reversal is the exact negative, line by line, of an earlier entry that is no reversal itself
  IF w.reversals > 0 THEN
    IF EXISTS (SELECT 1 FROM entry e WHERE e.id >= NEW.first_entry AND e.reverses_id IS NOT NULL
      AND ((SELECT count(*) FROM posting WHERE entry_id = e.id) <> (SELECT count(*) FROM posting WHERE entry_id = e.reverses_id)
        OR EXISTS (SELECT 1 FROM posting p WHERE p.entry_id = e.id AND NOT EXISTS (SELECT 1 FROM posting o
             WHERE o.entry_id = e.reverses_id AND o.line = p.line AND o.account_id = p.account_id AND o.amount = -p.amount))
        OR EXISTS (SELECT 1 FROM entry o WHERE o.id = e.reverses_id AND (o.reverses_id IS NOT NULL OR o.id >= e.id)))) THEN
      PERFORM refuse('a reversal must be the exact negative of what it reverses'); END IF; END IF;
  -- the indivisible reserve: what is in 932 is nobody's, so an operation that takes from it gives no member anything, in
  -- whichever entry. What members have is told by its holder, and by the control account where a leaf names none. A
  -- reversal only takes back.
  IF w.from_reserve THEN
    IF EXISTS (SELECT 1 FROM entry e JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id
        WHERE e.id >= NEW.first_entry AND e.reverses_id IS NULL AND p.amount < 0
          AND (a.holder IS NOT NULL OR a.gl_code IN ('821', '823', '825', '875', '901', '903', '905', '945', '946', '950'))) THEN
      PERFORM refuse('the indivisible reserve is never moved to a member'); END IF; END IF;
  -- where a leaf moves on a day for the first time, its control account may do so too: those rows are not there yet
  IF w.moved_days = w.leaves AND w.from_day = w.to_day THEN RETURN NULL; END IF;
  INSERT INTO balance_day (account_id, effective_on, debit, credit)
    SELECT p.account_id, e.effective_on, sum(greatest(p.amount, 0))::bigint, sum(greatest(-p.amount, 0))::bigint
      FROM entry e JOIN posting p ON p.entry_id = e.id WHERE e.id >= NEW.first_entry GROUP BY 1, 2 ON CONFLICT DO NOTHING;
  INSERT INTO control_total (span, gl_code, fund, currency, debit, credit)
    SELECT left(e.effective_on, s.width), a.gl_code, a.fund, a.currency, sum(greatest(p.amount, 0))::bigint, sum(greatest(-p.amount, 0))::bigint
      FROM entry e JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id CROSS JOIN (VALUES (7), (10)) AS s (width)
     WHERE e.id >= NEW.first_entry GROUP BY 1, 2, 3, 4 ON CONFLICT DO NOTHING;
  RETURN NULL; END $$;
CREATE TRIGGER operation_seal AFTER INSERT ON operation FOR EACH ROW EXECUTE FUNCTION operation_seal();

CREATE FUNCTION account_opens_balance() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_RELID <> 'account'::regclass THEN PERFORM refuse(TG_TABLE_NAME || ' has no balances'); END IF;
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
CREATE FUNCTION by_seal() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE calls text; said bytea; statement text; called text; place int; BEGIN
  GET DIAGNOSTICS calls = PG_CONTEXT;
  -- What was called first stands last: the seal itself, where an operation is written by a statement of its own. Of a long
  -- text bytes are taken, since its characters would be counted.
  said := convert_to(calls, 'UTF8');
  IF substr(said, octet_length(said) - 59) LIKE E'\\012PL/pgSQL function operation\\\\_seal() line __ at SQL statement'::bytea AND TG_OP <> 'DELETE'
     AND strpos(calls, E'\nCOPY ') = 0 THEN  -- which tells a column's name as it is
    RETURN NULL; END IF;
  statement := split_part(calls, '/', 2);  -- the end of this function's line, a statement, and the next function's line up to PL
  called := split_part(statement, E'\n', -1) || '/' || split_part(split_part(calls, '/', 3), E'\n', 1);
  place := greatest(strpos(called, 'operation_seal()'), strpos(called, 'account_opens_balance()'));
  IF TG_OP = 'DELETE' OR pg_trigger_depth() < 2 OR split_part(statement, E'\n', 3) = ''
     OR strpos(statement, '''') > 0 OR strpos(statement, '$') > 0 OR strpos(statement, '--') > 0
     OR (strpos(called, '"') > 0) <> (strpos(split_part(calls, E'\n', 1), '"') > 0) OR strpos(called, 'PL/pgSQL') = 0
     OR place = 0 OR strpos('abcdefghijklmnopqrstuvwxyz0123456789_.)', substr(' ' || called, place, 1)) > 0 THEN
    PERFORM refuse(TG_TABLE_NAME || ' is kept by the seal alone'); END IF;
  RETURN NULL; END $$;
CREATE TRIGGER balance_by_seal       BEFORE INSERT OR UPDATE OR DELETE ON balance       EXECUTE FUNCTION by_seal();
CREATE TRIGGER balance_day_by_seal   BEFORE INSERT OR UPDATE OR DELETE ON balance_day   EXECUTE FUNCTION by_seal();
CREATE TRIGGER control_total_by_seal BEFORE INSERT OR UPDATE OR DELETE ON control_total EXECUTE FUNCTION by_seal();

-- a temporary table that bears the name of one of these must not stand in for it
DO $$ DECLARE f regprocedure; BEGIN
  FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prorettype = 'trigger'::regtype LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = public, pg_temp', f);
  END LOOP; END $$;
ALTER FUNCTION begin_work SET search_path = public, pg_temp;
-- a plan made while the tables were small reads them whole for ever: what is new is found by index at any size; and a plan
-- is made once, not for every operation anew
ALTER FUNCTION operation_seal() SECURITY DEFINER;
ALTER FUNCTION operation_seal() SET enable_seqscan = off;
ALTER FUNCTION operation_seal() SET enable_hashjoin = off;
ALTER FUNCTION operation_seal() SET enable_mergejoin = off;
ALTER FUNCTION operation_seal() SET enable_hashagg = off;
ALTER FUNCTION operation_seal() SET enable_bitmapscan = off;
ALTER FUNCTION operation_seal() SET enable_memoize = off;
ALTER FUNCTION operation_seal() SET enable_material = off;
ALTER FUNCTION operation_seal() SET plan_cache_mode = force_generic_plan;
-- leaves are told apart after the new lines were found, not by an index that has a place for every leaf there is; and what
-- looks dear in a large book, since nobody knows beforehand how little is new, is not compiled for every operation
ALTER FUNCTION operation_seal() SET enable_presorted_aggregate = off;
ALTER FUNCTION operation_seal() SET jit = off;
ALTER FUNCTION account_opens_balance() SECURITY DEFINER;
