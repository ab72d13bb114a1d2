"""What people might take over from old books. Puts it into `walk.DRAWN`."""

from __future__ import annotations

from typing import Any

from tests.model.walk import DRAWN, Chooser, Last, Step, Values, asked, how_in

SUMS = ("25.00", "25.00", "100.00", "100.00", "333.33", "0.01")
OWED = ("901/M0001", "903/M0003", "905/M0001", "905/M0004-2", "905/M0005", "893/M0004", "872", "823/M0003", "875/M0004",
        "940", "945/M0003/2024", "871/M0001", "825/M0001", "905/M9999", "821", "801", "950/M0001/2024",
        "901/M0004", "811/N-007", "851/N-007")  # fmt: skip
OWNED = ("741", "751", "731/FIRST", "741", "741", "735", "739/VAULT", "701/L-001", "751/FA-001", "771", "999",
         "932")  # fmt: skip


def _pair(c: Chooser) -> tuple[str, ...]:
    """What stands against each other, mostly of one piece."""
    much = c.pick(SUMS)
    fund = c.pick(("GEN",) * 6 + ("RLF", "EDU", "POOL", "NIL"))
    two = (f"{fund} {c.pick(OWNED)} Dr {much}", f"{fund} {c.pick(OWED)} Cr {much if c.pick(range(12)) else '0.02'}")
    return two if c.pick(range(3)) else (*two, *_pair(c))


def _cash(c: Chooser) -> tuple[str, ...]:
    """Cash in the pool, and whose it is."""
    fund, place = c.pick(("GEN", "EDU", "RLF")), c.pick(("731/FIRST", "739/VAULT", "731/OWN"))
    other = fund if c.pick(range(6)) else "GEN"
    return (f"POOL {place} Dr 70.00", f"POOL 879/{fund} Cr 70.00", f"{other} 729 Dr 70.00",
            f"{other} {c.pick(('961', '990', '905/M0003', '181'))} Cr 70.00")  # fmt: skip


def _lines(c: Chooser) -> tuple[str, ...]:
    return c.pick((_pair, _pair, _cash, lambda c: (*_cash(c), *_pair(c)), _memo))(c)


def _memo(c: Chooser) -> tuple[str, ...]:
    return ("GEN M20 Dr 9.00", f"GEN M29 Cr {c.pick(('9.00', '9.00', '8.00'))}", *_pair(c))


def _note(c: Chooser) -> Values:
    """A note of the old books, with the lines that say what is owed on it; sometimes not of one piece."""
    ref = c.pick(("N-007", "N-008", "N-008", "N-001", "N-1"))
    terms = {"note": ref, "principal": "500.00", "annual_rate": c.pick(("2", "3.5")), "issued_on": "2025-03-01",
             "due_on": c.pick(("2027-03-01", "2026-04-01", "2025-01-01"))}  # fmt: skip
    terms |= c.pick(({}, {"interest_from": "2026-01-01"}, {"paid_interest": "4.00"}, {"member": "M0003"}))
    fund, owed = c.pick(("RLF", "RLF", "GEN", "LLR")), c.pick(("400.00", "500.00", "500.01"))
    lines: tuple[str, ...] = (f"{fund} 811/{ref} Cr {owed}", f"{fund} 741 Dr {owed}")
    if c.pick(range(2)):
        lines += (f"{fund} 851/{ref} Cr 2.22", f"{c.pick((fund, fund, 'EDU'))} 990 Dr 2.22")
    return {"lines": lines, **c.pick(({"note": terms, "lender": "A lender"},) * 4 + ({"note": terms}, {}))}


DRAWN.update({
    "opening-balance": (1, lambda c: {
        **(_note(c) if not c.pick(range(4)) else {"lines": _lines(c)}),
        **c.pick(({}, {}, {"memo": "of the old books"}, {"effective_on": Last("day", c.pick((0, -1, -3, -40, 1)))})),
    }),
    "close-opening": (1, lambda c: c.pick(({}, {}, {}, {"memo": "x"}))),
})  # fmt: skip


def taking_over(c: Chooser, evening: list[Step]) -> list[Step]:
    """Old books come in, some batches against 990; the opening is closed, and what came is used, or taken back."""
    take = ("tom", "opening-balance")
    found = asked(*take, lines=("GEN 741 Dr 300.00", "GEN 990 Cr 300.00"))
    found += evening
    found += asked(*take, lines=("GEN 990 Dr 300.00", "GEN 905/M0003-2 Cr 120.00", "GEN 905/M0004-2 Cr 30.00",
                                 "GEN 893/M0004 Cr 50.00", "GEN 872 Cr 60.00", "GEN 872 Cr 40.00"),
                   effective_on=Last("day", c.pick((0, -1, -3))))  # fmt: skip
    found += asked(*take, **_note(c))
    found += asked(*take, lines=_cash(c))
    found += asked("tom", "reverse", operation=Last("operation"), reason="twice") if not c.pick(range(3)) else []
    found.append(
        step(
            "ana", "withdraw", member="M0003", account="M0003-2", amount=c.pick(("20.00", "120.00")), tender="transfer"
        )
    )
    found.append(step("tom", "deposit", member="M0004", account="M0004-2", amount="5.00", **how_in(c)))
    found += asked("tom", "pay-unclaimed", report="2026-1", tender="transfer", member="M0004")
    found += asked("tom", "reverse", operation=Last("operation", c.pick((1, 2, 3))), reason="x")
    found.append(step("tom", "clear-suspense", suspense=Last("suspense"), to="savings", member="M0001"))
    found += asked("tom", "repay-note", note=Last("note", c.pick((0, 0, 1))))
    found += asked("tom", "close-opening")
    found += asked("tom", "reverse", operation=Last("operation"), reason="too late")
    return found + asked(*take, lines=_cash(c))


def step(by: str, operation: str, /, **values: Any) -> Step:
    return Step(by, operation, tuple(values.items()))
