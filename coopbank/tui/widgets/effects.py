"""What an operation does, in the words of the counter: before and after, notes, journal lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from coopbank.ledger.chart import MEMO_CURRENCY
from coopbank.tui.queries import account_words
from coopbank.tui.show import amount, neat
from coopbank.words import _, translate

if TYPE_CHECKING:
    from coopbank.bank.operation import Effect, Receipt, ReceiptEntry

#: How the pool and the funds square up with one another, and interest earned: true, and not what the counter asks.
_BEHIND = frozenset({"729", "879", "111"})
#: Notes that only say a balance again.
_SAID_ALREADY = frozenset({"New balance", "Owed after", "Shares left"})


def shown_effects(receipt: Receipt) -> list[tuple[str, int, int]]:
    """Name, before and after of what people care about, with the sign that they expect; theirs before ours."""
    found: dict[tuple[bool, str], tuple[int, int]] = {}
    principal = {effect.code.partition("/")[2] for effect in receipt.effects if effect.code.startswith("701/")}
    for effect in receipt.effects:
        gl_code, _slash, contract = effect.code.partition("/")
        if gl_code in _BEHIND or effect.currency == MEMO_CURRENCY:
            continue
        if gl_code == "781" and contract in principal:
            gl_code = "701"  # what a borrower owes is principal and interest together; alone it is no loan's balance
        sign = -1 if gl_code[:1] in "189" else 1
        place = (gl_code in ("731", "735", "739"), effect_name(effect, gl_code, contract))
        before, after = found.get(place, (0, 0))
        found[place] = (before + sign * effect.before, after + sign * effect.after)
    return [(name, *moved) for (_ours, name), moved in sorted(found.items(), key=lambda line: line[0][0])]


def effect_name(effect: Effect, gl_code: str, contract: str) -> str:
    """What a person calls the leaf."""
    return account_words(gl_code, contract) or " ".join(filter(None, (translate(effect.name), contract)))


def notes_of(receipt: Receipt, currency: str) -> list[tuple[str, str]]:
    """The notes of the operation that say more than the balances do."""
    balances = {amount(after, currency) for _name, _before, after in shown_effects(receipt)}
    return [
        (translate(label), value)
        for label, value in receipt.notes
        if label not in _SAID_ALREADY or value not in balances
    ]


def stacked(receipt: Receipt, currency: str) -> Text:
    """Before and after, two lines each: for a narrow panel."""
    text = Text()
    for name, before, after in shown_effects(receipt):
        text.append(neat(name) + "\n", style="bold")
        text.append(f"  {amount(before, currency)} → {amount(after, currency)}\n")
    for label, value in notes_of(receipt, currency):
        text.append(f"{neat(label)}: ", style="dim")
        text.append(f"{neat(value)}\n")
    return text


def before_after(receipt: Receipt, currency: str) -> Table:
    """Before and after, one line each."""
    table = Table.grid(padding=(0, 0, 0, 1), pad_edge=False, expand=True)
    table.add_column(ratio=1, overflow="ellipsis", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(justify="center", no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style="bold")
    for name, before, after in shown_effects(receipt):
        table.add_row(Text(neat(name)), Text(amount(before, currency)), Text("→"), Text(amount(after, currency)))
    return table


def journal_lines(entries: Sequence[ReceiptEntry], currency: str) -> Table:
    """The lines of the entries with their debits and credits, and the totals, which are equal."""
    table = Table(box=None, expand=True, padding=(0, 0, 0, 1), pad_edge=False, show_edge=False)
    table.add_column(_("Fund"), no_wrap=True, header_style="dim")
    table.add_column(_("Account"), ratio=1, no_wrap=True, overflow="ellipsis", header_style="dim")
    table.add_column(_("Debit"), justify="right", no_wrap=True, header_style="dim")
    table.add_column(_("Credit"), justify="right", no_wrap=True, header_style="dim")
    for entry in entries:
        if entry.memo:
            table.add_row("", Text(neat(entry.memo), style="italic"), "", "")
        for line in entry.lines:
            shown = amount(abs(line.amount), line.currency)
            account = Text.assemble((neat(line.code), ""), (f"  {neat(translate(line.name))}", "dim"))
            table.add_row(
                Text(neat(line.fund)), account, Text(shown if line.amount > 0 else ""),
                Text(shown if line.amount < 0 else ""),
            )  # fmt: skip
        debit, credit = _totals(line.amount for line in entry.lines if line.currency != MEMO_CURRENCY)
        if debit or credit:
            table.add_row(
                "", Text(_("balanced") if debit == credit else _("NOT BALANCED"), style="dim"),
                Text(amount(debit, currency), style="dim"), Text(amount(credit, currency), style="dim"),
            )  # fmt: skip
    return table


def _totals(amounts: Iterable[int]) -> tuple[int, int]:
    debit = credit = 0
    for each in amounts:
        if each > 0:
            debit += each
        else:
            credit -= each
    return debit, credit
