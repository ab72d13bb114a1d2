"""Form ED-209: each line from a story told by hand, and that its parts agree."""

from __future__ import annotations

from typing import Any

import pytest

from coopbank.errors import InvalidValue, Unknown
from coopbank.reports.ed209 import ed209
from tests.bank.support_lending import visit
from tests.support_bank import new_bank


def test_each_line_from_the_books(engine_url: str) -> None:
    with new_bank(engine_url) as bank:
        for fund, amount in (("GEN", "2000.00"), ("RLF", "9000.00")):
            bank.do("receive-gift", by=bank.tom, amount=amount, donor="A", fund=fund, tender="transfer")
        bank.admit("Mia Lee")
        terms: dict[str, Any] = {"member": "M0001", "installments": "10"}
        lent: list[tuple[str, str, dict[str, Any]]] = [
            ("1000.00", "0", {}), ("2000.00", "0", {"other_funds": "GEN 50"}),
            ("3000.00", "6", {"first_due": "2026-12-01"}), ("400.00", "0", {}),
        ]  # fmt: skip
        for principal, rate, more in lent:
            loan = bank.agreed("grant-loan", principal=principal, annual_rate=rate, **terms, **more).created[0]
            bank.do("disburse-loan", by=bank.tom, loan=loan)
        bank.agreed("grant-loan", principal="500.00", annual_rate="0", **terms)
        visit(bank, "2026-05-04")
        bank.agreed("charge-off", by=bank.ana, approver=bank.sue, loan="L-004", resolution="R-1", why="it ended")
        bank.do("repay-loan", by=bank.tom, loan="L-004", amount="150.00", tender="transfer")
        bank.do("repay-loan", by=bank.tom, loan="L-001", amount="200.00", tender="transfer")
        bank.agreed("enter-bill", by=bank.ana, fund="RLF", supplier="HALL", number="1", amount="80.00", expense="250")
        kept = ["RLF 131 Cr 30.00", "RLF 151 Cr 10.00", "RLF 250 Dr 40.00"]
        bank.agreed("journal-entry", by=bank.tom, approver=bank.sue, memo="kept for the hall", lines=kept)
        with bank.read() as books:
            found = {each.line: (each.amount, each.count) for each in ed209(books, "RLF", default_days=30).lines}
            interest = -books.balance("RLF", "111")
            for first, second in ((0, 121), (30, 30)):
                with pytest.raises(InvalidValue, match="delinquent before"):
                    ed209(books, "RLF", None, first, second)
            with pytest.raises(Unknown):
                ed209(books, "XYZ")
    assert found == {
        "II.A.1": (None, None), "II.A.2": (None, None), "II.A.3": (9000_00, None), "II.B.1": (interest, None),
        "II.B.2": (0, None), "II.B.3": (30_00, None), "II.B.5": (10_00, None),
        "II.B.6": (interest + 40_00, None), "II.B.7": (120_00, None),
        "II.B.8": (interest - 80_00, None), "II.C.4": (250_00, None),
        "II.C.6": (9000_00 + interest - 80_00 - 250_00, None), "II.D.1": (4800_00, None), "II.D.2": (3950_00, None),
        "II.D.3": (500_00, None), "II.D.4": (3450_00, None), "III.A.1": (3800_00, 2), "III.A.2": (0, 0),
        "III.A.3": (1000_00, 1), "III.A.4": (4800_00, 3),
    }  # fmt: skip
