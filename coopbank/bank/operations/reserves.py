"""Who bears a loss: what moves between funds when a loan is charged off, and goes back with what is recovered.

The order is the fund's waterfall (bank/waterfall.py). Where a fund has none, a reserve pays what the people who
charge a loan off say, and is refilled first.
"""

from __future__ import annotations

from collections.abc import Mapping

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.desk import Desk, Move
from coopbank.bank.lending.closing import all_loans
from coopbank.bank.lending.flows import Book
from coopbank.bank.operations.savings import shown
from coopbank.bank.tender import bank_place, cash_in, claim
from coopbank.bank.waterfall import LAST, RESULTS, Share, Sharing, Step, key, lost, moves_money, of_key, still_borne
from coopbank.errors import Overdrawn
from coopbank.ledger.chart import POOL


def between(desk: Desk, reserve: str, account: str, fund: str, amount: int) -> list[Move]:
    """A reserve's cash goes to a fund for good (below zero: back), by 187 on both sides."""
    _pool, place = bank_place(desk, None)
    return [
        (reserve, "187", amount), (reserve, f"731/{account}", -amount), *cash_in(POOL, place, fund, amount),
        (fund, "187", -amount),
    ]  # fmt: skip


def transferred(source: str, to: str, amount: int) -> list[Move]:
    """Pooled cash of a fund is another's for good (below zero: back), by 187 on both sides."""
    return [(source, "187", amount), *claim(source, to, amount), (to, "187", -amount)]


# --------------------------------------------------------------------------------- at the charge-off


class AtDesk:
    """The books as an operation finds them, for `Sharing`."""

    def __init__(self, books: Books, loan: str) -> None:
        self.books, self.loan = books, loan

    def balance(self, fund: str, code: str) -> int:
        return self.books.balance(fund, code)

    def control(self, gl_code: str) -> int:
        return sum(leaf.balance for leaf in self.books.leaves(gl_code))

    def result(self, fund: str) -> int:
        marks = ", ".join("?" * len(RESULTS))
        found = self.books.tx.value(
            "SELECT CAST(sum(b.debit - b.credit) AS bigint) FROM account a JOIN balance b ON b.account_id = a.id"
            " JOIN gl_account g ON g.code = a.gl_code"
            f" WHERE a.fund = ? AND (g.kind IN ('income', 'expense') OR a.gl_code IN ({marks}))",
            fund, *RESULTS,
        )  # fmt: skip
        return -int(found or 0)

    def account_fund(self, bank_account: str) -> str:
        return self.books.get(records.BankAccount, bank_account, "loan").fund

    def owed_on_notes(self, fund: str, note_class: str) -> int:
        notes = self.books.every(records.Note)
        return sum(note.owed_principal for _ref, note in notes if (note.fund, note.note_class) == (fund, note_class))

    def borne(self, fund: str, absorber: str) -> int:
        others = (body.borne for ref, _v, body in all_loans(self.books, ("charged-off",)) if ref != self.loan)
        return sum(borne_by(borne, fund, absorber) for borne in others)


def borne_by(borne: Mapping[str, int], fund: str, absorber: str) -> int:
    """What an absorber bears of a loan: shares are those of the whole co-operative, anything else the fund's."""
    return sum(
        amount
        for text, amount in borne.items()
        if (place := of_key(text)) and place[2] == absorber and (absorber.startswith("shares:") or place[0] == fund)
    )


def steps_of(body: records.LossWaterfall) -> list[Step]:
    """A waterfall as `Sharing` reads it."""
    return [Step(str(kind), str(of), int(floor)) for kind, of, floor in body.steps]


def attribute(desk: Desk, ref: str, losses: Mapping[str, int], held: Mapping[str, int]) -> dict[str, int]:
    """Share the losses of a loan's funds by their waterfalls: post what moves, record the rest; what each bears."""
    sharing, borne = Sharing(AtDesk(desk, ref)), dict[str, int]()
    shares: dict[str, list[Share]] = {}
    versions = {}
    for fund, loss in sorted(losses.items()):  # the order in which they draw on what they share
        waterfall = desk.find(records.LossWaterfall, fund)
        if waterfall is None or not loss:
            continue
        versions[fund] = desk.version(records.LossWaterfall.kind, fund)
        shares[fund] = sharing.share(fund, loss, held[fund], steps_of(waterfall))
        borne |= {key(fund, share): share.amount for share in shares[fund]}
    if not shares:
        return {}
    for fund, of_fund in shares.items():
        for share in of_fund:
            if moves_money(share.absorber, fund):
                words = f"Loan {ref}: {share.absorber} bears {shown(desk, share.amount)}"
                desk.post(words, _moves(desk, fund, share.absorber, share.amount))
            desk.note("Borne by", f"{fund}: {share.absorber} {shown(desk, share.amount)}")
    body = records.LossAttribution(
        on=desk.business_day.isoformat(), funds={fund: losses[fund] for fund in shares}, waterfalls=versions,
        held={fund: held[fund] for fund in shares},
        shares={fund: [[s.number, s.absorber, s.amount] for s in of_fund] for fund, of_fund in shares.items()},
    )  # fmt: skip
    desk.write(ref, body, about=ref)
    return borne


def _moves(desk: Desk, fund: str, absorber: str, amount: int) -> list[Move]:
    """What an absorber's money does for a fund (below zero: it goes back)."""
    kind, _colon, of = absorber.partition(":")
    if kind == "surplus":
        return transferred(of, fund, amount)
    return between(desk, desk.get(records.BankAccount, of, "loan").fund, of, fund, amount)


# ------------------------------------------------------------------------------------ what comes back


def refilled(
    desk: Desk, ref: str, body: records.Loan, moved: Book, after: records.Loan
) -> tuple[list[Move], dict[str, int]]:
    """What of a recovery goes back to whoever bore the loss, the last that was hit first; and what they still bear.

    `after` is the loan with what came back. A reserve that paid without a waterfall made the leading fund's loss good:
    it is refilled out of that fund's part of the recovery.
    """
    recovered = max(0, moved.get(body.fund, {}).get("recovered", 0))
    moves: list[Move] = []
    borne = dict(body.borne)
    for fund in reversed([each for each in borne if of_key(each) is None]):
        back = min(recovered, borne[fund])
        if not back:
            continue
        account = next((ref for ref, each in desk.every(records.BankAccount) if each.fund == fund), None)
        if account is None:
            raise Overdrawn("Fund {fund} has no bank account to be refilled.", field="loan", fund=fund)
        moves += between(desk, fund, account, body.fund, -back)
        borne[fund], recovered = borne[fund] - back, recovered - back
        desk.note("Goes back to", f"{fund} {shown(desk, back)}")
    by_waterfall, borne = settled_borne(desk, ref, after.model_copy(update={"borne": borne}))
    return [*moves, *by_waterfall], {fund: amount for fund, amount in borne.items() if amount}


def settled_borne(desk: Desk, ref: str, loan: records.Loan) -> tuple[list[Move], dict[str, int]]:
    """Bring what is borne by waterfalls to what is lost now: less goes back in order, more stays with the fund."""
    borne, moves = dict(loan.borne), list[Move]()
    attributed = desk.find(records.LossAttribution, ref)
    for fund in () if attributed is None else attributed.funds:
        shares = still_borne(borne, fund)
        over = sum(share.amount for share in shares) - lost(loan.book.get(fund, {}))
        if over < 0:
            last = key(fund, Share(LAST, "fund", 0))
            borne[last] = borne.get(last, 0) - over
        for share in reversed(shares):
            back = min(over, share.amount)
            if back <= 0:
                continue
            over -= back
            borne[key(fund, share)] -= back
            if moves_money(share.absorber, fund):
                moves += _moves(desk, fund, share.absorber, -back)
            desk.note("Goes back to", f"{share.absorber} {shown(desk, back)}")
    return moves, {text: amount for text, amount in borne.items() if amount}
