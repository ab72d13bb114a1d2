"""What verify says of dividends, divisions and redemptions that no rule of the bank has seen."""

from __future__ import annotations

from typing import Any

from coopbank.bank import records
from coopbank.bank.verify import verify
from coopbank.ledger.posting import EntryDraft, Line, NewAccount, NewRecord
from tests.bank.support_equity import close_year, earn, end_of_year
from tests.forging import forge
from tests.support_bank import SmallBank, assert_books, new_bank


def both(small: SmallBank, operation: str, **values: object) -> None:
    small.agreed(operation, by=small.tom, approver=small.sue, **values)


def divided(small: SmallBank) -> None:
    """A year with a dividend and patronage, and shares that wait to be paid."""
    mia, bea = small.admit("Mia Lee"), small.admit("Bea Long")
    for member in (mia, bea):
        small.do("buy-shares", member=member, amount="25.00")
    earn(small, "100.00")
    both(small, "record-hours", year="2026", hours=[f"{mia} 10", f"{bea} 20"], source="sheets")
    both(small, "set-surplus-rules", steps=["indivisible 20", "dividend 901 4", "patronage hours 50"], consent="b",
         resolution="R-0")  # fmt: skip
    end_of_year(small)
    close_year(small)
    small.do("propose-surplus", by=small.tom, year="2026")
    both(small, "allocate-surplus", year="2026", resolution="R-1")
    small.agreed("accept-redemption", member=bea, amount="25.00")


def said(small: SmallBank) -> str:
    found = next(verdict for verdict in verify(small.bank.database) if verdict.name == "equity")
    return "\n".join(finding.message for finding in found.findings)


def test_what_is_moved_beside_the_rules_is_found(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        divided(small)
        small.spoiled = True
        assert_books(small)
        assert not said(small)
        forge(small, [("GEN", "823/M0001", 1), ("GEN", "940", -1)], key="a")
        assert "log-refusal moved account 823" in said(small)
        forge(small, [("GEN", "932", 5_00), ("GEN", "940", -5_00)], key="b")
        assert "5.00 was taken from the indivisible reserve" in said(small)
        forge(small, [("GEN", "825/M0002", 1_00), ("GEN", "940", -1_00)], key="c")
        assert "redemptions of M0002 come to 25.00, account 825/M0002 holds 24.00" in said(small)


def test_what_is_divided_beside_the_rules_is_found(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        divided(small)
        small.spoiled = True
        with small.read() as books:
            dividend = books.get(records.Dividend, "2026-901")
            surplus = books.get(records.Surplus, "2026")
            version = books.version("surplus", "2026")

        def write(kind: str, ref: str, number: int, body: records.Body, **changes: Any) -> None:
            document = body.model_copy(update=changes).model_dump(mode="json", exclude_defaults=True)
            forge(small, rows=[NewRecord(kind, ref, number, None, document)], key=f"{kind}-{number}")

        write("dividend", "2026-901", 2, dividend, total=dividend.total + 1)
        assert "its rate gives 2.00" in said(small)
        write("surplus", "2026", version + 1, surplus, each="0" * 64)
        assert "the surplus of 2026 is not what its rules give" in said(small)
        assert "not posted on 823 as it was divided" in said(small)  # by the operation that wrote the record


def test_what_was_taken_over_as_a_sum_is_no_fault_of_groups(engine_url: str) -> None:
    """Older programs took it; it was right then, and is not on its way to anybody."""
    with new_bank(engine_url) as small:
        small.spoiled = True
        with small.read() as books:
            first = 1 + int(books.tx.value("SELECT max(id) FROM account"))
        leaves: list[Any] = [
            NewAccount(first, "821", "GEN", "", None, "liability", "USD", None, 0),
            NewAccount(first + 1, "990", "GEN", "", None, "equity", "USD", None, None),
        ]
        entry = EntryDraft("Opening", small.clock.today(), (Line(first, -10_00), Line(first + 1, 10_00)))
        forge(small, rows=leaves, kind="opening-balance", key="old", entries=[entry])
        assert not said(small)
        forge(small, [("GEN", "821", -1_00), ("GEN", "990", 1_00)], kind="declare-dividend", key="later")
        assert "1.00 stand on 821 and are nobody's, 0.00 are on their way" in said(small)
