"""What people might ask about what is given and owed around the members. Puts it into `walk.DRAWN`."""

from __future__ import annotations

from typing import Any

from tests.model.walk import (
    DRAWN,
    FUNDS,
    Chooser,
    Last,
    Step,
    amount,
    asked,
    expense,
    how_in,
    how_out,
    last,
    member,
    share_class,
    text,
)

NAMES = ("Nan", "nan ", "Nan Lee", "LEE, Nan", "Bob", "bob", "Many")


def _small(c: Chooser) -> Any:
    return c.pick(("5", "20.00", "99.99", "150.00", "250.00", "250.01")) if c.pick(range(9)) else amount(c)


DRAWN.update({
    "give-aid": (4, lambda c: {
        "recipient": c.pick(NAMES), "aid_kind": c.pick(("ride", "rent", "food", "beer")), "amount": _small(c),
        "need": text(c), "criteria": "in need", "relation": "none", **how_out(c),
        **c.pick(({}, {}, {"recipient_member": member(c)})), **c.pick(({}, {}, {}, {"official": True})),
        **c.pick(({}, {"resolution": "the assembly"})), **c.pick(({}, {"fund": c.pick(FUNDS)}, {"fund": "EDU"})),
        **c.pick(({}, {}, {}, {"gift": last(c, "gift")})), **c.pick(({}, {}, {"number": c.pick(("S-14", "S-02"))})),
    }),
    "file-aid-receipt": (1, lambda c: {"case": last(c, "aid-case"), "amount": _small(c), "receipt": "a bill"}),
    "return-aid": (2, lambda c: {"case": last(c, "aid-case"), "amount": _small(c), "why": "not needed", **how_in(c)}),
    "sponsor-shares": (3, lambda c: {
        "member": member(c), "amount": c.pick(("25.00", "25.00", "100.00", "100.00", "50.00", "1.00")),
        "fund": c.pick((*FUNDS, "EDU", "EDU", "EDU")), "resolution": "the board", **share_class(c),
    }),
    "return-sponsored-shares": (2, lambda c: {
        "sponsorship": last(c, "sponsorship"), "why": "they left",
        **c.pick(({}, {"amount": c.pick(("25.00", "100.00", "1.00"))})),
    }),
    "receive-bank-interest": (3, lambda c: {
        "amount": amount(c), "start": Last("day", c.pick((0, -1, -3, -10, -31, -400))),
        "end": Last("day", c.pick((0, 0, 0, -1, -5, 1))),
        **c.pick(({}, {}, {"bank_account": c.pick(("OWN", "X", "SAFE"))})),
    }),
    "add-institution": (1, lambda c: {
        "code": c.pick(("TRUST", "farm", "SHOP")), "institution_name": text(c), "book": c.pick(("ab", "cd", "x")) * 16,
    }),
    "owe-institution": (2, lambda c: {
        **_pairing(c), **c.pick(({}, {}, {"expense": expense(c)})),
    }),
    "claim-from-institution": (2, lambda c: {
        **_pairing(c), "reference": c.pick(("abcd-7", "abcd-8", "abcd-9")),
        **c.pick(({}, {}, {"income": c.pick(("131", "151", "181", "111", "940", "999"))})),
    }),
    "confirm-pair": (1, lambda c: {
        "pair": last(c, "pair"), "their_operation": c.pick((7, 8, 0)), "their_head": c.pick("0afx") * 16,
        "their_amount": amount(c),
    }),
    "pay-institution": (2, lambda c: {"pair": last(c, "pair"), "amount": _small(c), **how_out(c)}),
    "receive-from-institution": (2, lambda c: {"pair": last(c, "pair"), "amount": _small(c), **how_in(c)}),
    "bill-dues": (2, lambda c: {
        "member": member(c), "year": c.pick((2026, 2026, 2027, 2028, 2030, 1899)), **c.pick(({}, {"amount": _small(c)},
                                                                                          {"amount": _small(c)})),
    }),
    "receive-dues": (2, lambda c: {"dues": last(c, "dues"), "amount": _small(c), **how_in(c)}),
})  # fmt: skip


def _pairing(c: Chooser) -> dict[str, Any]:
    return {
        "institution": c.pick(("TRUST", "TRUST", "FARM", "NONE")), "amount": _small(c), "memo": text(c),
        **c.pick(({}, {}, {"fund": c.pick(FUNDS)})),
    }  # fmt: skip


def given(c: Chooser, evening: list[Step]) -> list[Step]:
    """Aid out of the solidarity fund, some of it back; the bank's interest; dues, and what institutions owe."""
    found = asked("tom", "open-fund", code="SOL", fund_name="Solidarity", fund_class="designated")
    found += [Step("tom", "receive-gift", (("fund", "SOL"), ("amount", "400.00"), ("donor", "Many"),
                                           ("tender", "transfer")))]  # fmt: skip
    for who, much in (("Nan Lee", "150.00"), (c.pick(NAMES), c.pick(("60.00", "200.00")))):
        aid = {"recipient": who, "aid_kind": "rent", "amount": much, "need": "rent", "criteria": "x", "relation": "no"}
        found += asked("ana", "give-aid", "tom", **aid, tender="transfer", **c.pick(({}, {"gift": Last("gift")})))
    found.append(_step("tom", "file-aid-receipt", case=Last("aid-case"), amount="50.00", receipt="a bill"))
    found += [_step("tom", "return-aid", case=Last("aid-case", c.pick((0, 1))), amount="10.00", why="x",
                    tender="transfer"), *evening]  # fmt: skip
    found.append(_step("tom", "receive-bank-interest", amount=c.pick(("12.34", "0.01", "99.99")),
                       start=Last("day", -5), end=Last("day", c.pick((0, -1)))))  # fmt: skip
    found += asked("tom", "add-institution", code="TRUST", institution_name="The trust", book="ab" * 16)
    found += asked("admin", "owe-institution", "sue", institution="TRUST", amount="100.00", memo="insurance")
    found += asked("tom", "pay-institution", pair=Last("pair"), amount=c.pick(("60.00", "100.00")), tender="transfer")
    found += asked("tom", "claim-from-institution", institution="TRUST", amount="20.00", memo="x", reference="abcd-7")
    found.append(_step("tom", "receive-from-institution", pair=Last("pair"), amount="20.00", **_how(c)))
    found.append(_step("tom", "confirm-pair", pair=Last("pair"), their_operation=7, their_head="0" * 16,
                       their_amount="20.00"))  # fmt: skip
    found.append(_step("tom", "bill-dues", member=member(c), year=2026, amount="20.00"))
    return [*found, _step("ana", "receive-dues", dues=Last("dues"), amount="20.00", **_how(c)),
            _step("tom", "bank-cheques", cheques=(Last("cheque"),)),
            _step("tom", "return-cheque", cheque=Last("cheque"))]  # fmt: skip


def sponsoring(c: Chooser) -> list[Step]:
    """A fund pays somebody's shares, who then tries to sell them; the money goes back."""
    who, kind = c.pick(("M0001", "M0003", "M0004")), c.pick(("901", "903"))
    found = asked("tom", "sponsor-shares", member=who, fund=c.pick(("EDU", "RLF")), resolution="the board",
                  amount="25.00" if kind == "901" else "200.00", share_class=kind)  # fmt: skip
    much = {"member": who, "amount": "25.00" if kind == "901" else "100.00", "share_class": kind}
    for operation in c.pick((("redeem-shares",), ("accept-redemption", "transfer-shares"))):
        found += asked("ana", operation, "tom", **much, **({"to_member": "M0001"} if "transfer" in operation else {}))
    return found + asked("tom", "return-sponsored-shares", sponsorship=Last("sponsorship"), why="they left",
                         **c.pick(({}, {"amount": much["amount"]})))  # fmt: skip


def _step(who: str, operation: str, /, **values: Any) -> Step:
    return Step(who, operation, tuple(values.items()))


def _how(c: Chooser) -> dict[str, Any]:
    return dict(c.pick(({"tender": "transfer"}, {"tender": "cheque", "cheque_number": "5"}, {})))
