"""Statements in ISO 20022 camt.053, as banks in Europe and elsewhere give them out.

Of each entry that is booked: its booking day, its amount with the sign that credit or debit gives it, the bank's
own reference, and who and what it was for. Entries that are pending, or for information only, are no part of the
balance and are counted. Opening and closing balance are those that are booked (OPBD or PRCD, CLBD).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from coopbank.errors import InvalidDate, InvalidValue
from coopbank.exchange.bank_parts import FoundLine, FoundStatement, Reading, bank_id, calendar_day, require_moved, said
from coopbank.exchange.plain_xml import Node
from coopbank.money import quoted

_NAMESPACE: Final = re.compile(r"urn:iso:std:iso:20022:tech:xsd:(camt\.[0-9]{3})\.[0-9]{3}\.[0-9]{2}")
_DAY: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T[0-9:.,]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?")
_BOOKED: Final = "BOOK"
_NOTHING: Final = frozenset({"NOTPROVIDED", "NONREF"})


def statements(root: Node, reading: Reading) -> list[FoundStatement]:
    """The statements of a document."""
    match = _NAMESPACE.fullmatch(root.namespace)
    message = match[1] if match else ""
    if root.name != "Document" or message != "camt.053":
        reading.faults.add(None, None, None, InvalidValue(
            "This is no statement: camt.053 is expected, and this is {found}.",
            found=quoted(message or root.namespace or root.name), hint="Ask the bank for camt.053, OFX or CSV.",
        ))  # fmt: skip
        return []
    count = 0
    found = []
    for node in root.each("BkToCstmrStmt", "Stmt"):
        statement, count = _statement(node, reading, count)
        found.append(statement)
    return found


def _statement(node: Node, reading: Reading, count: int) -> tuple[FoundStatement, int]:
    found = FoundStatement(number=node.said("Acct", "Id", "IBAN") or node.said("Acct", "Id", "Othr", "Id") or "")
    reading.optional(None, "Acct/Ccy", node.said("Acct", "Ccy"), reading.require_currency)
    _balances(node, reading, found)
    for entry in node.each("Ntry"):
        count += 1
        if (entry.said("Sts", "Cd") or entry.said("Sts") or _BOOKED) != _BOOKED:
            found.skipped += 1
            continue
        line = _line(entry, reading, count, node.said("Id") or "")
        if line is not None:
            found.lines.append(line)
    _days(node, reading, found)
    return found, count


def _balances(node: Node, reading: Reading, found: FoundStatement) -> None:
    balances = {code: each for each in node.each("Bal") if (code := each.said("Tp", "CdOrPrtry", "Cd")) is not None}
    opening, closing = balances.get("OPBD") or balances.get("PRCD"), balances.get("CLBD")
    for name, balance in (("OPBD", opening), ("CLBD", closing)):
        if balance is None:
            reading.faults.add(None, f"Bal {name}", None, InvalidValue("{column} is missing.", column=f"Bal {name}"))
            continue
        amount = _signed(balance, reading, None)
        on = _day(balance.first("Dt"), reading, None, f"Bal {name}/Dt")
        if name == "OPBD":
            found.opening, found.start = amount, on
            if on is not None and "OPBD" not in balances:  # of the evening before
                found.start = on + timedelta(days=1) if on < date.max else on
        else:
            found.closing, found.end = amount, on


def _days(node: Node, reading: Reading, found: FoundStatement) -> None:
    """From when to when, if it is said; else as the balances have it."""
    for tag, name in (("FrDtTm", "start"), ("ToDtTm", "end")):
        text = node.said("FrToDt", tag) or node.said("FrToDt", tag.removesuffix("Tm"))
        if text is not None:
            setattr(found, name, reading.cell(None, f"FrToDt/{tag}", text, _read_day))


def _line(entry: Node, reading: Reading, row: int, statement: str) -> FoundLine | None:
    amount = _signed(entry, reading, row, moves=True)
    on = _day(entry.first("BookgDt"), reading, row, "BookgDt")
    own = entry.said("AcctSvcrRef") or entry.said("NtryDtls", "TxDtls", "Refs", "AcctSvcrRef")
    if own is None and (number := entry.said("NtryRef")) is not None:  # counts within the statement only
        own = f"{statement}:{number}"
    text = reading.optional(row, "text", " ".join(_texts(entry)), said)
    reference = reading.optional(row, "Refs", " ".join(dict.fromkeys(_references(entry))), said)
    if amount is None or on is None:
        return None
    return FoundLine(row, on, amount, own and bank_id(own), text or "", reference or "")


def _signed(node: Node, reading: Reading, row: int | None, *, moves: bool = False) -> int | None:
    """An amount with its sign; its currency is the books'."""
    amount = node.first("Amt")
    if amount is not None:
        reading.cell(row, "Amt/Ccy", amount.attributes.get("Ccy"), reading.require_currency)
    minor = reading.cell(
        row, "Amt", node.said("Amt"),
        lambda text: require_moved(reading.amount(text)) if moves else reading.amount(text),
    )  # fmt: skip
    side = reading.cell(row, "CdtDbtInd", node.said("CdtDbtInd"), _side)
    if minor is not None and minor < 0:
        reading.faults.add(row, "Amt", node.said("Amt"), InvalidValue("The sign of an amount stands in CdtDbtInd."))
        return None
    return None if minor is None or side is None else side * minor


def _side(text: str) -> int:
    if text not in ("CRDT", "DBIT"):
        raise InvalidValue("CRDT or DBIT is expected, not {text}.", text=quoted(text))
    return 1 if text == "CRDT" else -1


def _day(node: Node | None, reading: Reading, row: int | None, column: str) -> date | None:
    text = None if node is None else node.said("Dt") or node.said("DtTm")
    return reading.cell(row, column, text, _read_day)


def _read_day(text: str) -> date:
    """The day as the bank writes it; an hour and a zone beside it do not change it."""
    match = _DAY.fullmatch(text)
    if match is None:
        raise InvalidDate("{text} is not a date.", text=quoted(text), hint="A date is such as 2026-03-02.")
    return calendar_day(*match.groups())


def _texts(entry: Node) -> Iterator[str]:
    """Who it came from or went to, and what for."""
    party = "Dbtr" if entry.said("CdtDbtInd") == "CRDT" else "Cdtr"
    for details in entry.each("NtryDtls", "TxDtls"):
        name = details.said("RltdPties", party, "Nm") or details.said("RltdPties", party, "Pty", "Nm")
        yield from (name,) if name else ()
        yield from (each.text for each in details.each("RmtInf", "Ustrd"))
    additional = entry.said("AddtlNtryInf")
    yield from (additional,) if additional else ()


def _references(entry: Node) -> Iterator[str]:
    for details in entry.each("NtryDtls", "TxDtls"):
        for path in (("Refs", "ChqNb"), ("Refs", "EndToEndId"), ("RmtInf", "Strd", "CdtrRefInf", "Ref")):
            for each in details.each(*path):
                if (text := each.text.strip()) and text.upper() not in _NOTHING:
                    yield text
