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
