-- The books on SQLite: the one source of this engine's schema.
--
-- Three classes of table (each says which):
--   sealed  append-only; every row names its operation and stands inside that operation's hashed text
--   cache   rebuildable from the sealed tables; kept by the seal, compared by verify
--   secret  personal values, passphrase hashes, sessions: erasable, never hashed in the clear
--
-- The order of writing is the whole trick. Postings first, then their entries, then the rows of master data, and the
-- operation row last: its trigger checks and seals all of them at once. The foreign keys to what comes later are
-- deferred, so rows that are never sealed fail at COMMIT; rows for an operation that exists are refused at once. So
-- nothing is ever updated and append-only has no exception.
--
-- SQLite leaves foreign keys off unless a connection asks for them, so rows are taken only where they are on. A writer's
-- own OR IGNORE reaches into triggers and would skip a row that a CHECK refuses, so the seal compares guards itself.
-- date('2026-02-30') gives it back as it is; only with a modifier does SQLite look at the calendar.

-- ---------------------------------------------------------------------------------------------------- sealed tables

CREATE TABLE operation (  -- sealed: one act of one person, and the link of the chain
  id            INTEGER PRIMARY KEY,                     -- gapless from 1
  key           TEXT NOT NULL UNIQUE,                    -- idempotency key
  kind          TEXT NOT NULL,                           -- name in the catalogue
  kind_version  INTEGER NOT NULL CHECK (kind_version > 0),
  actor         TEXT NOT NULL CHECK (actor <> ''),
  approver      TEXT CHECK (approver <> '' AND approver <> actor),
  business_date TEXT NOT NULL CONSTRAINT operation_business_date CHECK (business_date IS date(business_date, '+0 days') AND business_date > '0001'),
  at            TEXT NOT NULL CONSTRAINT operation_at CHECK (substr(at, 1, 19) IS strftime('%Y-%m-%dT%H:%M:%S', substr(at, 1, 19), '+0 days')
                  AND at GLOB '????-??-??T??:??:??.[0-9][0-9][0-9][0-9][0-9][0-9]Z' AND at > '0001'),
  request_hash  BLOB NOT NULL CHECK (length(request_hash) = 32),
  first_entry   INTEGER NOT NULL CHECK (first_entry > 0),
  entry_count   INTEGER NOT NULL CHECK (entry_count >= 0),
  posting_count INTEGER NOT NULL CHECK (posting_count >= 2 * entry_count),
  debit_total   INTEGER NOT NULL CHECK (debit_total >= entry_count),
  row_count     INTEGER NOT NULL CHECK (row_count >= 0),  -- rows in the other sealed tables
  prev_hash     BLOB NOT NULL CHECK (length(prev_hash) = 32),
  hash          BLOB NOT NULL CHECK (length(hash) = 32),  -- SHA-256 of `sealed`
  sealed        TEXT NOT NULL                             -- the exact text that was hashed, see chain.py
) STRICT;

CREATE TABLE gl_account (  -- sealed: the chart, control accounts only
  code         TEXT NOT NULL PRIMARY KEY,
  operation_id INTEGER NOT NULL REFERENCES operation (id) DEFERRABLE INITIALLY DEFERRED,
  line         INTEGER NOT NULL CHECK (line > 0),
  name         TEXT NOT NULL,
  kind         TEXT NOT NULL CHECK (kind IN ('asset', 'liability', 'equity', 'income', 'expense', 'memo')),
  side         TEXT NOT NULL CHECK (side IN ('debit', 'credit')),      -- the side it normally stands on
  guard        TEXT NOT NULL CHECK (guard IN ('floor', 'ceiling', 'none')),
  CHECK ((kind = 'memo') = (code GLOB 'M*'))
) STRICT, WITHOUT ROWID;
CREATE INDEX gl_account_operation ON gl_account (operation_id);

CREATE TABLE fund (  -- sealed: whose money it is
  code         TEXT NOT NULL PRIMARY KEY,
  operation_id INTEGER NOT NULL REFERENCES operation (id) DEFERRABLE INITIALLY DEFERRED,
  line         INTEGER NOT NULL CHECK (line > 0),
  name         TEXT NOT NULL,
  class        TEXT NOT NULL CHECK (class IN ('pool', 'general', 'revolving', 'reserve', 'restricted', 'conditional', 'designated')),
  CHECK ((class = 'pool') = (code = 'POOL'))
) STRICT, WITHOUT ROWID;
CREATE INDEX fund_operation ON fund (operation_id);

CREATE TABLE account (  -- sealed: a leaf; the only thing a posting can name
  id           INTEGER PRIMARY KEY,
  operation_id INTEGER NOT NULL REFERENCES operation (id) DEFERRABLE INITIALLY DEFERRED,
  line         INTEGER NOT NULL CHECK (line > 0),
  gl_code      TEXT NOT NULL REFERENCES gl_account (code),
  fund         TEXT NOT NULL REFERENCES fund (code),
  contract     TEXT NOT NULL,                             -- M0007, L-010, D1; empty when the control account has one leaf
  holder       TEXT,                                      -- whose it is, in the bank's own numbers
  kind         TEXT NOT NULL,
  currency     TEXT NOT NULL CHECK (length(currency) = 3),
  floor        INTEGER,                                   -- lowest balance allowed, minor units, debit +
  ceiling      INTEGER,                                   -- highest balance allowed
  UNIQUE (fund, gl_code, contract),
  CHECK ((currency = 'MEM') = (kind = 'memo')),
  CHECK (fund <> 'POOL' OR gl_code IN ('731', '735', '739', '879'))
) STRICT;
CREATE INDEX account_operation ON account (operation_id);
CREATE INDEX account_control ON account (gl_code, fund);
CREATE INDEX account_holder ON account (holder) WHERE holder IS NOT NULL;
CREATE INDEX account_contract ON account (contract) WHERE contract <> '';

CREATE TABLE entry (  -- sealed: one balanced journal entry
  id           INTEGER PRIMARY KEY,                      -- gapless from 1
  operation_id INTEGER NOT NULL REFERENCES operation (id) DEFERRABLE INITIALLY DEFERRED,
  effective_on TEXT NOT NULL CONSTRAINT entry_effective_on CHECK (effective_on IS date(effective_on, '+0 days') AND effective_on > '0001'),
  memo         TEXT NOT NULL,
  reverses_id  INTEGER REFERENCES entry (id)
) STRICT;
-- an entry is reversed at most once
CREATE UNIQUE INDEX entry_reverses ON entry (reverses_id) WHERE reverses_id IS NOT NULL;
CREATE INDEX entry_day ON entry (effective_on);
CREATE INDEX entry_operation ON entry (operation_id);

CREATE TABLE posting (  -- sealed: one line of an entry
  entry_id   INTEGER NOT NULL REFERENCES entry (id) DEFERRABLE INITIALLY DEFERRED,
  line       INTEGER NOT NULL CHECK (line > 0),
  account_id INTEGER NOT NULL REFERENCES account (id),
  amount     INTEGER NOT NULL CHECK (amount <> 0),       -- minor units; debit > 0, credit < 0
  PRIMARY KEY (entry_id, line)
) STRICT, WITHOUT ROWID;
CREATE INDEX posting_account ON posting (account_id, entry_id);

CREATE TABLE period_state (  -- sealed: what is open; the latest row of a period counts
  period       TEXT NOT NULL CHECK (period GLOB '[0-9][0-9][0-9][0-9]' OR period IS substr(date(substr(period || '-01', 1, 10), '+0 days'), 1, length(period))),
  operation_id INTEGER NOT NULL REFERENCES operation (id) DEFERRABLE INITIALLY DEFERRED,
  line         INTEGER NOT NULL CHECK (line > 0),
  state        TEXT NOT NULL CHECK (state IN ('open', 'adjusting', 'closed', 'locked')),
  PRIMARY KEY (period, operation_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX period_state_operation ON period_state (operation_id);

CREATE TABLE record (  -- sealed: master data and events of the bank, a new version for every change
  operation_id INTEGER NOT NULL REFERENCES operation (id) DEFERRABLE INITIALLY DEFERRED,
  line         INTEGER NOT NULL CHECK (line > 0),
  kind         TEXT NOT NULL,                             -- member, loan, role, hold ...: see bank/records.py
  ref          TEXT NOT NULL,                             -- M0007, L-010, teller
  version      INTEGER NOT NULL CHECK (version > 0),
  about        TEXT,                                      -- whom or what it concerns, to find it by
  body         TEXT NOT NULL CHECK (json_valid(body)),    -- canonical JSON
  PRIMARY KEY (kind, ref, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX record_operation ON record (operation_id);
CREATE INDEX record_number ON record (kind, length(ref), ref) WHERE version = 1;
CREATE INDEX record_about ON record (about, kind) WHERE about IS NOT NULL;

-- ----------------------------------------------------------------------------------------------------- cache tables

CREATE TABLE balance (  -- cache: now, one row per leaf; the guards are CHECKs
  account_id INTEGER PRIMARY KEY REFERENCES account (id),
  debit      INTEGER NOT NULL DEFAULT 0,
  credit     INTEGER NOT NULL DEFAULT 0,
  floor      INTEGER,
  ceiling    INTEGER,
  CONSTRAINT balance_floor   CHECK (floor IS NULL OR debit - credit >= floor),
  CONSTRAINT balance_ceiling CHECK (ceiling IS NULL OR debit - credit <= ceiling)
) STRICT;

CREATE TABLE balance_day (  -- cache: movements of a leaf by effective date
  account_id   INTEGER NOT NULL REFERENCES account (id),
  effective_on TEXT NOT NULL,
  debit        INTEGER NOT NULL,
  credit       INTEGER NOT NULL,
  PRIMARY KEY (account_id, effective_on)
) STRICT, WITHOUT ROWID;

CREATE TABLE control_total (  -- cache: movements of a control account in a fund by month ('2026-03') and by day ('2026-03-05')
  span     TEXT NOT NULL,
  gl_code  TEXT NOT NULL,
  fund     TEXT NOT NULL,
  currency TEXT NOT NULL,
  debit    INTEGER NOT NULL,
  credit   INTEGER NOT NULL,
  PRIMARY KEY (span, gl_code, fund, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE directory (  -- cache: members by name and telephone, for the find box
  member TEXT NOT NULL PRIMARY KEY,
  name   TEXT NOT NULL,
  folded TEXT NOT NULL,                                   -- lower case, accents taken off
  phone  TEXT NOT NULL                                    -- digits only
) STRICT, WITHOUT ROWID;
CREATE INDEX directory_folded ON directory (folded);

-- ---------------------------------------------------------------------------------------------------- secret tables

CREATE TABLE personal (  -- secret: the values that sealed rows name by a salted digest only
  digest       TEXT NOT NULL PRIMARY KEY,                 -- hex SHA-256 of salt + value
  operation_id INTEGER NOT NULL REFERENCES operation (id) DEFERRABLE INITIALLY DEFERRED,
  field        TEXT NOT NULL,
  salt         BLOB,                                      -- NULL once forgotten
  value        TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX personal_operation ON personal (operation_id);

CREATE TABLE credential (  -- secret: passphrases, as Argon2id hashes
  user     TEXT NOT NULL PRIMARY KEY,
  hash     TEXT NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0,
  until    TEXT                                           -- locked until this instant
) STRICT, WITHOUT ROWID;

CREATE TABLE session (  -- secret: sign-ins kept by `coopbank login`
  token_hash TEXT NOT NULL PRIMARY KEY,
  user       TEXT NOT NULL,
  expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- --------------------------------------------------------------------------------- nothing joins what is sealed

-- Foreign keys are asked of the first line alone, which costs more than all the rest: each further line needs the one
-- before it, each further entry's first line that of the entry before, and an entry its lines. With foreign keys on,
-- none of these outlives a transaction that does not seal it, and inside of one they cannot be turned off.
CREATE TRIGGER posting_sealed BEFORE INSERT ON posting
WHEN EXISTS (SELECT 1 FROM entry WHERE id = NEW.entry_id)
  OR CASE WHEN NEW.line > 1 THEN NOT EXISTS (SELECT 1 FROM posting WHERE entry_id = NEW.entry_id AND line = NEW.line - 1)
          WHEN NEW.entry_id = 1 OR EXISTS (SELECT 1 FROM entry WHERE id = NEW.entry_id - 1) THEN (SELECT foreign_keys FROM pragma_foreign_keys) = 0
          ELSE NOT EXISTS (SELECT 1 FROM posting WHERE entry_id = NEW.entry_id - 1 AND line = 1) END
BEGIN SELECT RAISE(ABORT, 'entry is sealed, its lines are not numbered from 1, or foreign keys are off'); END;

CREATE TRIGGER entry_sealed BEFORE INSERT ON entry
WHEN NEW.operation_id <> 1 + coalesce((SELECT max(id) FROM operation), 0)
  OR EXISTS (SELECT 1 FROM entry WHERE id = NEW.id)
  OR (NEW.reverses_id IS NOT NULL AND EXISTS (SELECT 1 FROM entry WHERE reverses_id = NEW.reverses_id))
  OR NOT EXISTS (SELECT 1 FROM posting WHERE entry_id = NEW.id AND line = 1)
BEGIN SELECT RAISE(ABORT, 'entry is sealed, has no lines, or the entry it reverses is reversed already'); END;

CREATE TRIGGER gl_account_sealed BEFORE INSERT ON gl_account
WHEN NEW.operation_id <> 1 + coalesce((SELECT max(id) FROM operation), 0) OR EXISTS (SELECT 1 FROM gl_account WHERE code = NEW.code)
  OR (SELECT foreign_keys FROM pragma_foreign_keys) = 0
BEGIN SELECT RAISE(ABORT, 'chart row is sealed'); END;

CREATE TRIGGER fund_sealed BEFORE INSERT ON fund
WHEN NEW.operation_id <> 1 + coalesce((SELECT max(id) FROM operation), 0) OR EXISTS (SELECT 1 FROM fund WHERE code = NEW.code)
  OR (SELECT foreign_keys FROM pragma_foreign_keys) = 0
BEGIN SELECT RAISE(ABORT, 'fund is sealed'); END;

CREATE TRIGGER account_sealed BEFORE INSERT ON account
WHEN NEW.operation_id <> 1 + coalesce((SELECT max(id) FROM operation), 0)
  OR EXISTS (SELECT 1 FROM account WHERE id = NEW.id OR (fund = NEW.fund AND gl_code = NEW.gl_code AND contract = NEW.contract))
  OR (SELECT foreign_keys FROM pragma_foreign_keys) = 0
BEGIN SELECT RAISE(ABORT, 'account is sealed'); END;

CREATE TRIGGER account_meaning BEFORE INSERT ON account
WHEN NEW.kind IS NOT (SELECT kind FROM gl_account WHERE code = NEW.gl_code)
  OR NEW.floor IS NOT (SELECT CASE guard WHEN 'floor' THEN 0 END FROM gl_account WHERE code = NEW.gl_code)
  OR NEW.ceiling IS NOT (SELECT CASE guard WHEN 'ceiling' THEN 0 END FROM gl_account WHERE code = NEW.gl_code)
BEGIN SELECT RAISE(ABORT, 'account does not agree with its control account'); END;

CREATE TRIGGER period_state_sealed BEFORE INSERT ON period_state
WHEN NEW.operation_id <> 1 + coalesce((SELECT max(id) FROM operation), 0)
  OR (SELECT foreign_keys FROM pragma_foreign_keys) = 0
BEGIN SELECT RAISE(ABORT, 'period state is sealed'); END;

CREATE TRIGGER record_sealed BEFORE INSERT ON record
WHEN NEW.operation_id <> 1 + coalesce((SELECT max(id) FROM operation), 0)
  OR NEW.version <> 1 + coalesce((SELECT max(version) FROM record WHERE kind = NEW.kind AND ref = NEW.ref), 0)
  OR (SELECT foreign_keys FROM pragma_foreign_keys) = 0
BEGIN SELECT RAISE(ABORT, 'record is sealed, or its version does not follow'); END;

-- -------------------------------------------------------------------------------------------------------- the chain

CREATE TRIGGER operation_chain BEFORE INSERT ON operation
BEGIN
  SELECT CASE
      WHEN NEW.id IS NOT 1 + coalesce(last.id, 0) OR NEW.prev_hash <> coalesce(last.hash, zeroblob(32))
        OR NEW.first_entry <> coalesce(last.first_entry + last.entry_count, 1) OR EXISTS (SELECT 1 FROM operation WHERE key = NEW.key)
        THEN RAISE(ABORT, 'operation does not continue the chain, or its key is used')
      WHEN NEW.business_date < last.business_date OR NEW.business_date > date(NEW.at, '+1 day')
        THEN RAISE(ABORT, 'business date goes back, or lies in the future')
    END
    FROM (SELECT 1) LEFT JOIN operation last ON last.id = (SELECT max(id) FROM operation);
END;

-- -------------------------------------------------------------------------------------------------------- the seal

-- the caches of several entries, whose lines are summed up before by leaf and day. It stands apart, since even the
-- statement that finds nothing to do makes its sorters and its table first; and above the seal, which so comes first.
CREATE TRIGGER operation_moves AFTER INSERT ON operation WHEN NEW.entry_count > 1
BEGIN
  INSERT INTO movement (account_id, effective_on, debit, credit, gl_code, fund, currency, floor, ceiling)
    SELECT s.account_id, s.day, s.d, s.c, a.gl_code, a.fund, a.currency, a.floor, a.ceiling
      FROM (SELECT p.account_id, e.effective_on AS day, sum(max(p.amount, 0)) AS d, sum(max(-p.amount, 0)) AS c
              FROM entry e JOIN posting p ON p.entry_id = e.id WHERE e.id >= NEW.first_entry GROUP BY +p.account_id, e.effective_on) AS s
     CROSS JOIN account a ON a.id = s.account_id
     ORDER BY CASE WHEN a.ceiling IS NULL THEN s.c - s.d ELSE s.d - s.c END;
END;

CREATE TRIGGER operation_seal AFTER INSERT ON operation
BEGIN
  -- the hashed text says the same as the columns
  SELECT RAISE(ABORT, 'sealed text differs from its columns')
   WHERE json_extract(NEW.sealed, '$[2]') IS NOT NEW.id OR json_extract(NEW.sealed, '$[3]') IS NOT NEW.at
      OR json_extract(NEW.sealed, '$[4]') IS NOT NEW.business_date OR json_extract(NEW.sealed, '$[5]') IS NOT NEW.actor
      OR json_extract(NEW.sealed, '$[6]') IS NOT NEW.approver OR json_extract(NEW.sealed, '$[7]') IS NOT NEW.kind
      OR json_extract(NEW.sealed, '$[8]') IS NOT NEW.kind_version OR json_extract(NEW.sealed, '$[9]') IS NOT NEW.key
      OR json_extract(NEW.sealed, '$[13]') IS NOT lower(hex(NEW.prev_hash))
      OR substr(NEW.sealed, 1, 49) IS NOT (SELECT substr(sealed, 1, 49) FROM operation WHERE id = 1)  -- form and book
      OR substr(NEW.sealed, 1, 15) IS NOT '["coopbank/1","' OR substr(NEW.sealed, 48, 2) IS NOT '",'
      OR json_array_length(NEW.sealed, '$[11]') IS NOT NEW.entry_count OR json_array_length(NEW.sealed, '$[12]') IS NOT NEW.row_count;
  -- control totals of the master data
  SELECT RAISE(ABORT, 'count of rows differs')
   WHERE NEW.row_count <> (SELECT count(*) FROM record WHERE operation_id = NEW.id) + (SELECT count(*) FROM account WHERE operation_id = NEW.id)
       + (SELECT count(*) FROM period_state WHERE operation_id = NEW.id) + (SELECT count(*) FROM gl_account WHERE operation_id = NEW.id)
       + (SELECT count(*) FROM fund WHERE operation_id = NEW.id);
  -- entries: gapless, all of this operation, none left over; dated not after the day, nor before it without a second person
  SELECT RAISE(ABORT, 'unsealed rows are left')
   WHERE NEW.entry_count = 0 AND (EXISTS (SELECT 1 FROM entry WHERE id >= NEW.first_entry) OR EXISTS (SELECT 1 FROM posting WHERE entry_id >= NEW.first_entry));
  SELECT CASE
      WHEN n <> NEW.entry_count OR n > 0 AND (a <> NEW.first_entry OR z <> NEW.first_entry + NEW.entry_count - 1 OR o <> NEW.id OR q <> NEW.id)
        THEN RAISE(ABORT, 'entries are not gapless')
      WHEN latest > NEW.business_date OR earliest < NEW.business_date AND NEW.approver IS NULL
        THEN RAISE(ABORT, 'entry is dated in the future, or in the past without a second person')
    END
    FROM (SELECT count(*) AS n, min(id) AS a, max(id) AS z, min(operation_id) AS o, max(operation_id) AS q,
                 min(+effective_on) AS earliest, max(+effective_on) AS latest FROM entry WHERE id >= NEW.first_entry);
  -- lines: as many and as much as the operation says, of its entries alone, numbered from 1, two at least for each entry
  SELECT CASE
      WHEN n <> NEW.posting_count OR d <> NEW.debit_total OR z >= NEW.first_entry + NEW.entry_count THEN RAISE(ABORT, 'control totals differ')
      WHEN entries <> NEW.entry_count OR fewest < 2 OR gap <> 0 THEN RAISE(ABORT, 'lines are not numbered from 1, or an entry has fewer than two')
    END
    FROM (SELECT count(*) AS entries, coalesce(sum(k), 0) AS n, coalesce(sum(d), 0) AS d, max(e) AS z, min(k) AS fewest, max(l - k) AS gap
            FROM (SELECT entry_id AS e, count(*) AS k, max(line) AS l, sum(max(amount, 0)) AS d
                    FROM posting WHERE entry_id >= NEW.first_entry GROUP BY entry_id));
  -- balance by currency and fund
  SELECT RAISE(ABORT, 'entry does not balance')
    FROM (SELECT sum(p.amount) AS m FROM posting p JOIN account a ON a.id = p.account_id
           WHERE p.entry_id >= NEW.first_entry GROUP BY p.entry_id, a.currency, a.fund)
   WHERE m <> 0;
  -- periods: the day is open, no entry in a locked one
  SELECT RAISE(ABORT, 'the business day is not open')
   WHERE NEW.entry_count > 0 AND (SELECT state FROM period_state WHERE period = NEW.business_date AND operation_id < NEW.id
                                   ORDER BY operation_id DESC LIMIT 1) IS NOT 'open';
  SELECT RAISE(ABORT, 'the period is locked')  -- without a second person all are dated on the day itself, as was just seen
   WHERE NEW.entry_count > 0 AND NEW.approver IS NULL
     AND 'locked' IN ((SELECT state FROM period_state WHERE period = substr(NEW.business_date, 1, 7) AND operation_id < NEW.id ORDER BY operation_id DESC LIMIT 1),
                      (SELECT state FROM period_state WHERE period = substr(NEW.business_date, 1, 4) AND operation_id < NEW.id ORDER BY operation_id DESC LIMIT 1));
  SELECT RAISE(ABORT, 'the period is locked')
    FROM (SELECT DISTINCT +effective_on AS d FROM entry WHERE id >= NEW.first_entry)  -- "+": by number, not by a scan of the index of days
   WHERE NEW.approver IS NOT NULL
     AND 'locked' IN ((SELECT state FROM period_state WHERE period = substr(d, 1, 7) AND operation_id < NEW.id ORDER BY operation_id DESC LIMIT 1),
                      (SELECT state FROM period_state WHERE period = substr(d, 1, 4) AND operation_id < NEW.id ORDER BY operation_id DESC LIMIT 1));
  -- a reversal is the exact negative, line by line, of an earlier entry that is no reversal itself
  SELECT RAISE(ABORT, 'a reversal must be the exact negative of what it reverses')
   WHERE EXISTS (SELECT 1 FROM entry e WHERE e.id >= NEW.first_entry AND e.reverses_id IS NOT NULL
      AND ((SELECT count(*) FROM posting WHERE entry_id = e.id) <> (SELECT count(*) FROM posting WHERE entry_id = e.reverses_id)
        OR EXISTS (SELECT 1 FROM posting p WHERE p.entry_id = e.id AND NOT EXISTS (SELECT 1 FROM posting o
                    WHERE o.entry_id = e.reverses_id AND o.line = p.line AND o.account_id = p.account_id AND o.amount = -p.amount))
        OR EXISTS (SELECT 1 FROM entry o WHERE o.id = e.reverses_id AND (o.reverses_id IS NOT NULL OR o.id >= e.id))));
  -- then the caches, of one entry line by line; within the guards at each step, if it ends within them: of several
  -- lines of a leaf those that lead away from its guard come first
  INSERT INTO movement (account_id, effective_on, debit, credit, gl_code, fund, currency, floor, ceiling)
    SELECT p.account_id, e.effective_on, max(p.amount, 0), max(-p.amount, 0), a.gl_code, a.fund, a.currency, a.floor, a.ceiling
      FROM entry e CROSS JOIN posting p ON p.entry_id = e.id CROSS JOIN account a ON a.id = p.account_id
     WHERE NEW.entry_count = 1 AND e.id = NEW.first_entry
     ORDER BY CASE WHEN a.ceiling IS NULL THEN -p.amount ELSE p.amount END;
END;

-- what an operation does to a leaf on a day, with the leaf's own guards: not kept itself, it is what the seal says to
-- the caches. A program of its own needs no table of what it is to do, which took longer than doing it.
CREATE VIEW movement AS
  SELECT d.account_id, d.effective_on, d.debit, d.credit, a.gl_code, a.fund, a.currency, a.floor, a.ceiling
    FROM balance_day d JOIN account a ON a.id = d.account_id;

CREATE TRIGGER movement_kept INSTEAD OF INSERT ON movement
BEGIN
  -- a balance row there is, with the account's own guards, and the leaf stands within them
  SELECT CASE
      WHEN b.account_id IS NULL OR b.floor IS NOT NEW.floor OR b.ceiling IS NOT NEW.ceiling THEN RAISE(ABORT, 'a balance row is missing, or its guard is not the account''s')
      WHEN b.debit - b.credit + NEW.debit - NEW.credit < NEW.floor OR b.debit - b.credit + NEW.debit - NEW.credit > NEW.ceiling THEN RAISE(ABORT, 'a leaf would stand beyond its guard')
    END
    FROM (SELECT 1) LEFT JOIN balance b ON b.account_id = NEW.account_id;
  UPDATE balance SET debit = debit + NEW.debit, credit = credit + NEW.credit WHERE account_id = NEW.account_id;
  INSERT INTO balance_day (account_id, effective_on, debit, credit) VALUES (NEW.account_id, NEW.effective_on, NEW.debit, NEW.credit)
    ON CONFLICT (account_id, effective_on) DO UPDATE SET debit = debit + excluded.debit, credit = credit + excluded.credit;
  INSERT INTO control_total (span, gl_code, fund, currency, debit, credit) VALUES (NEW.effective_on, NEW.gl_code, NEW.fund, NEW.currency, NEW.debit, NEW.credit)
    ON CONFLICT (span, gl_code, fund, currency) DO UPDATE SET debit = debit + excluded.debit, credit = credit + excluded.credit;
  INSERT INTO control_total (span, gl_code, fund, currency, debit, credit) VALUES (substr(NEW.effective_on, 1, 7), NEW.gl_code, NEW.fund, NEW.currency, NEW.debit, NEW.credit)
    ON CONFLICT (span, gl_code, fund, currency) DO UPDATE SET debit = debit + excluded.debit, credit = credit + excluded.credit;
END;

CREATE TRIGGER account_opens_balance AFTER INSERT ON account
BEGIN INSERT INTO balance (account_id, floor, ceiling) VALUES (NEW.id, NEW.floor, NEW.ceiling); END;

-- ------------------------------------------------------------------------------------- the indivisible reserve

-- what is in 932 is nobody's: an operation that takes from it gives no member anything, in whichever entry. What members
-- have is told by its holder, and by the control account where a leaf names none. A reversal only takes back.
CREATE TRIGGER operation_reserve BEFORE INSERT ON operation
WHEN NEW.entry_count > 0
  AND EXISTS (SELECT 1 FROM posting p JOIN account a ON a.id = p.account_id
               WHERE p.entry_id >= NEW.first_entry AND p.amount > 0 AND a.gl_code = '932')
  AND EXISTS (SELECT 1 FROM entry e JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id
               WHERE e.id >= NEW.first_entry AND e.reverses_id IS NULL AND p.amount < 0
                 AND (a.holder IS NOT NULL OR a.gl_code IN ('821', '823', '825', '875', '901', '903', '905', '945', '946', '950')))
BEGIN SELECT RAISE(ABORT, 'the indivisible reserve is never moved to a member'); END;

-- ------------------------------------------------------------------------------------------------------ append only

CREATE TRIGGER operation_no_update    BEFORE UPDATE ON operation    BEGIN SELECT RAISE(ABORT, 'operation is append-only'); END;
CREATE TRIGGER operation_no_delete    BEFORE DELETE ON operation    BEGIN SELECT RAISE(ABORT, 'operation is append-only'); END;
CREATE TRIGGER entry_no_update        BEFORE UPDATE ON entry        BEGIN SELECT RAISE(ABORT, 'entry is append-only'); END;
CREATE TRIGGER entry_no_delete        BEFORE DELETE ON entry        BEGIN SELECT RAISE(ABORT, 'entry is append-only'); END;
CREATE TRIGGER posting_no_update      BEFORE UPDATE ON posting      BEGIN SELECT RAISE(ABORT, 'posting is append-only'); END;
CREATE TRIGGER posting_no_delete      BEFORE DELETE ON posting      BEGIN SELECT RAISE(ABORT, 'posting is append-only'); END;
CREATE TRIGGER gl_account_no_update   BEFORE UPDATE ON gl_account   BEGIN SELECT RAISE(ABORT, 'gl_account is append-only'); END;
CREATE TRIGGER gl_account_no_delete   BEFORE DELETE ON gl_account   BEGIN SELECT RAISE(ABORT, 'gl_account is append-only'); END;
CREATE TRIGGER fund_no_update         BEFORE UPDATE ON fund         BEGIN SELECT RAISE(ABORT, 'fund is append-only'); END;
CREATE TRIGGER fund_no_delete         BEFORE DELETE ON fund         BEGIN SELECT RAISE(ABORT, 'fund is append-only'); END;
CREATE TRIGGER account_no_update      BEFORE UPDATE ON account      BEGIN SELECT RAISE(ABORT, 'account is append-only'); END;
CREATE TRIGGER account_no_delete      BEFORE DELETE ON account      BEGIN SELECT RAISE(ABORT, 'account is append-only'); END;
CREATE TRIGGER period_state_no_update BEFORE UPDATE ON period_state BEGIN SELECT RAISE(ABORT, 'period_state is append-only'); END;
CREATE TRIGGER period_state_no_delete BEFORE DELETE ON period_state BEGIN SELECT RAISE(ABORT, 'period_state is append-only'); END;
CREATE TRIGGER record_no_update       BEFORE UPDATE ON record       BEGIN SELECT RAISE(ABORT, 'record is append-only'); END;
CREATE TRIGGER record_no_delete       BEFORE DELETE ON record       BEGIN SELECT RAISE(ABORT, 'record is append-only'); END;

-- the guards of a leaf and the rows of the caches stay; SQLite cannot tell the seal's own update from another, so a
-- cache edited by hand is found by verify and by the next seal that touches it, not refused
CREATE TRIGGER balance_no_lift     BEFORE UPDATE OF account_id, rowid, oid, _rowid_, floor, ceiling ON balance
WHEN NEW.account_id <> OLD.account_id OR NEW.floor IS NOT OLD.floor OR NEW.ceiling IS NOT OLD.ceiling
BEGIN SELECT RAISE(ABORT, 'guards are immutable'); END;
CREATE TRIGGER balance_no_delete   BEFORE DELETE ON balance BEGIN SELECT RAISE(ABORT, 'balance rows stay'); END;
CREATE TRIGGER balance_no_replace  BEFORE INSERT ON balance WHEN EXISTS (SELECT 1 FROM balance WHERE account_id = NEW.account_id)
BEGIN SELECT RAISE(ABORT, 'balance rows stay'); END;
CREATE TRIGGER balance_day_no_delete   BEFORE DELETE ON balance_day   BEGIN SELECT RAISE(ABORT, 'balance rows stay'); END;
CREATE TRIGGER control_total_no_delete BEFORE DELETE ON control_total BEGIN SELECT RAISE(ABORT, 'control totals stay'); END;
