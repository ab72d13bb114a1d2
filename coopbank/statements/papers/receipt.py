"""The receipt: what was received or paid out, for what, what it left, and a line to sign on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reportlab.platypus import Flowable

from coopbank.reports.dates import long_date
from coopbank.reports.receipt import ReceiptPaper
from coopbank.statements.document import Document
from coopbank.statements.tables import Column, Row
from coopbank.words import _


class Receipt(Document[ReceiptPaper]):
    """A receipt of one operation."""

    def title(self) -> str:
        return _("Receipt {number}").format(number=self.report.operation)

    def subtitle(self) -> str:
        what = self._corrects() or self.report.title
        return _("{what}, {date}").format(what=what, date=long_date(self.report.business_date))

    def _corrects(self) -> str:
        """A correction names what it takes back, as the statement does: who holds it knows of no operations."""
        number = self.report.takes_back
        return "" if number is None else _("Correction of receipt {number}").format(number=number)

    def about(self) -> str:
        return self.report.member

    def addressee(self) -> Sequence[str]:
        return (self.report.name,) if self.report.name else ()

    def facts(self) -> Sequence[tuple[str, str]]:
        report = self.report
        return (
            (_("Member number"), report.member),
            (_("Where"), ", ".join(report.places)),
            (_("By"), report.actor),
            (_("Approved by"), report.approver or ""),
            (_("Time (UTC)"), report.at[:16].replace("T", " ")),
        )

    def body(self) -> Iterator[Flowable]:
        report = self.report
        if report.reversed_by is not None:
            text = _("This was taken back later by operation {number}.").format(number=report.reversed_by)
            yield self.parts.notice(_("Taken back"), [text])
        tiles = []
        if report.received:
            tiles.append((_("Received"), f"{self.money(report.received)} {self.currency}", ""))
        if report.paid_out:
            tiles.append((_("Paid out"), f"{self.money(report.paid_out)} {self.currency}", ""))
        if tiles:
            yield self.parts.tiles(tiles)
        if report.lines:
            yield from self.heading(_("What it did"))
            columns = [
                Column(_("Account"), "text"), Column(_("What happened"), "text"), Column(_("Amount")),
                Column(_("Balance after")),
            ]  # fmt: skip
            rows = [
                Row((line.account, self._corrects() or line.words, self.money(line.amount), self.money(line.balance)))
                for line in report.lines
            ]
            yield self.figures(columns, rows)
        text = _("Operation {number}, fingerprint {hash}. Keep this receipt: it says what the books say.")
        yield self.gap(2)
        yield self.parts.small(text.format(number=report.operation, hash=report.hash))
        who = report.name or _("Customer")
        yield self.parts.signatures([_("Teller: {name}").format(name=report.actor), who], _("Date"))
