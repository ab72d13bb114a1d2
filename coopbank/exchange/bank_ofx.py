"""Statements in OFX, the format of American banks: version 1 in SGML, version 2 in XML.

A reader of our own, for what a statement needs is small: OFX 1 closes only what holds other elements, so a tag
with text is a value and a tag that is never closed is an empty one. Each transaction has a number of the
bank's own (FITID). OFX says the closing balance only; the opening one is what its lines lead back to.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from coopbank.errors import InvalidAmount, InvalidDate, InvalidValue
from coopbank.exchange.bank_parts import FoundLine, FoundStatement, Reading, bank_id, calendar_day, require_moved, said
from coopbank.exchange.plain_xml import MOST_ELEMENTS, Node
from coopbank.money import currency as currency_of
from coopbank.money import quoted

DEEPEST: Final = 30
_TAG: Final = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9._]{0,40})\s*>([^<]*)")
_HEADER: Final = re.compile(r"\b([A-Z]{1,20}):(\S*)")
_ENTITY: Final = re.compile(r"&(amp|lt|gt|quot|apos|nbsp|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});")
_ENTITIES: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " "}
_DAY: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[0-9]{2,6}(?:\.[0-9]+)?)?(?:\s*\[[^\]]*\])?")
_AMOUNT: Final = re.compile(r"([+-]?)([0-9]*)(?:[.,]([0-9]*))?")
_CHARSETS: Final = {
    "1252": "cp1252", "WINDOWS-1252": "cp1252", "8859-1": "latin-1", "ISO-8859-1": "latin-1", "UTF-8": "utf-8",
}  # fmt: skip


def sgml(content: bytes) -> Node:
    """The root of an OFX 1 file. Refused: text in another encoding than its header says, a file that is cut off."""
    start = content.upper().find(b"<OFX>")
    if start < 0:
        raise InvalidValue("This OFX file has no <OFX>.")
    header = {name: value.upper() for name, value in _HEADER.findall(content[:start].decode("latin-1"))}
    utf8 = header.get("ENCODING") in ("UTF-8", "UNICODE")
    encoding = "utf-8" if utf8 else _CHARSETS.get(header.get("CHARSET", ""), "ascii")
    try:
        text = content[start:].decode(encoding)
    except UnicodeDecodeError as error:
        raise InvalidValue(
            "The file is not text in {encoding}: byte {byte} in line {line} cannot stand there.",
            encoding=encoding.upper(), byte=error.object[error.start : error.start + 1].hex().upper(),
            line=1 + content.count(b"\n", 0, start + error.start),
        ) from None  # fmt: skip
    return _tree(text)


def _tree(text: str) -> Node:
    """The elements of a text that begins with <OFX>."""
    outside = Node("")
    open_: list[Node] = [outside]
    place = count = 0
    while (match := _TAG.match(text, place)) is not None:
        place, count = match.end(), count + 1
        closing, name, value = match[1], match[2].upper(), match[3].strip()
        if count > MOST_ELEMENTS or len(open_) > DEEPEST:
            raise InvalidValue("This OFX file has too many elements, or they stand too deep in each other.")
        if closing:
            _close(open_, name)
            if value:
                raise InvalidValue("Text stands where none belongs, after </{name}>.", name=name)
            if len(open_) == 1:
                break
            continue
        node = Node(name)
        node.text = _ENTITY.sub(_entity, value)
        open_[-1].children.append(node)
        open_.append(node)
    if text[place:].strip():
        raise InvalidValue("The file cannot be read from here on: {text}.", text=quoted(text[place : place + 40]))
    if len(open_) != 1 or len(outside.children) != 1:
        raise InvalidValue("The file is cut off: </OFX> is missing.")
    return outside.children[0]


def _close(open_: list[Node], name: str) -> None:
    """Close an element. What was opened in it and never closed is a value, or empty: its siblings stand beside it."""
    place = next((place for place in range(len(open_) - 1, 0, -1) if open_[place].name == name), 0)
    if not place:
        raise InvalidValue("The tag </{name}> closes what was never opened.", name=name)
    while len(open_) - 1 > place:
        node = open_.pop()
        open_[-1].children.extend(node.children)
        node.children = []
    open_.pop()


def _entity(match: re.Match[str]) -> str:
    name = match[1]
    if not name.startswith("#"):
        return _ENTITIES[name]
    code = int(name[2:], 16) if name[1] == "x" else int(name[1:])
    return chr(code) if 0 < code < 0xD800 or 0xDFFF < code < 0x110000 else "\ufffd"


# ---------------------------------------------------------------------------------- statements


def statements(root: Node, reading: Reading) -> list[FoundStatement]:
    """The statements of bank accounts in a file."""
    count = 0
    found = []
    for node in root.each("BANKMSGSRSV1", "STMTTRNRS", "STMTRS"):
        statement, count = _statement(node, reading, count)
        found.append(statement)
    return found


def _statement(node: Node, reading: Reading, count: int) -> tuple[FoundStatement, int]:
    found = FoundStatement(number=node.said("BANKACCTFROM", "ACCTID") or "")
    reading.cell(None, "CURDEF", node.said("CURDEF"), reading.require_currency)
    found.start = reading.cell(None, "DTSTART", node.said("BANKTRANLIST", "DTSTART"), _day)
    found.end = reading.cell(None, "DTEND", node.said("BANKTRANLIST", "DTEND"), _day)
    for each in node.each("BANKTRANLIST", "STMTTRN"):
        count += 1
        line = _line(each, reading, count)
        if line is not None:
            found.lines.append(line)
    _balance(node, reading, found)
    return found, count


def _balance(node: Node, reading: Reading, found: FoundStatement) -> None:
    """The ledger balance, if it is of the statement's last day, or of a day before after which nothing moved."""
    balance = node.first("LEDGERBAL")
    if balance is None or found.end is None:
        return
    on = reading.cell(None, "LEDGERBAL/DTASOF", balance.said("DTASOF"), _day)
    amount = reading.cell(None, "LEDGERBAL/BALAMT", balance.said("BALAMT"), lambda text: _amount(text, reading))
    if on is None or amount is None or on > found.end or any(line.on > on for line in found.lines):
        return  # of another day: it has to be said what the balance was
    found.end = on if found.start is None or on >= found.start else found.end
    found.closing = amount
    found.opening = amount - sum(line.amount for line in found.lines)


def _line(node: Node, reading: Reading, row: int) -> FoundLine | None:
    on = reading.cell(row, "DTPOSTED", node.said("DTPOSTED"), _day)
    amount = reading.cell(row, "TRNAMT", node.said("TRNAMT"), lambda text: require_moved(_amount(text, reading)))
    own = reading.cell(row, "FITID", node.said("FITID"), bank_id)
    if node.first("CORRECTFITID") is not None:
        refusal = InvalidValue("It corrects another line of the bank.", hint="Take both lines from the bank's paper.")
        reading.faults.add(row, "CORRECTFITID", node.said("CORRECTFITID"), refusal)
    if node.first("CURRENCY") is not None:
        reading.faults.add(row, "CURRENCY", None, InvalidValue("It is in another currency than the statement."))
    names = (node.said("NAME") or node.said("PAYEE", "NAME"), node.said("MEMO"))
    text = reading.optional(row, "NAME", " ".join(name for name in names if name), said)
    reference = reading.optional(row, "CHECKNUM", node.said("CHECKNUM") or node.said("REFNUM"), said)
    if on is None or amount is None or own is None:
        return None
    return FoundLine(row, on, amount, own, text or "", reference or "")


def _day(text: str) -> date:
    """The day as the bank writes it; the hour and the zone beside it do not change it."""
    match = _DAY.fullmatch(text)
    if match is None:
        raise InvalidDate("{text} is not a date.", text=quoted(text), hint="A date is such as 20260302.")
    return calendar_day(*match.groups())


def _amount(text: str, reading: Reading) -> int:
    """An amount, in which a point or a comma stands before the decimals."""
    match = _AMOUNT.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        raise InvalidAmount("{text} is not an amount.", text=quoted(text), hint="An amount is such as -12.00.")
    sign, whole, decimals = match.groups()
    if len(decimals or "") == 3 > currency_of(reading.currency).exponent and re.fullmatch("[1-9][0-9]{0,2}", whole):
        raise InvalidAmount(  # a mark of thousands stands in no OFX file, and some programs write it all the same
            "{text} can be read in more than one way.", text=quoted(text), hint="An amount is such as -12.00."
        )
    return reading.amount(f"{sign}{whole or '0'}.{decimals or ''}")
