DROP TRIGGER operation_seal;

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
