"""Evil files: whatever the bytes are, each reader reads them or refuses them by name, and comes to an end.

Every reader of something that comes from outside is in READERS, with an example that it reads. The examples are then
damaged as a fuzzer does it: spans cut, doubled, replaced, and tokens put in that readers trip over. Nothing but a
refusal of coopbank/errors.py may leave a reader. `make soak` tries a hundred times as many.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from coopbank.bank.keyring import FORM, KeyFile, public_key_of_file
from coopbank.bank.letterhead import require_picture
from coopbank.bank.sealed_files import header_of, is_sealed
from coopbank.cli import state
from coopbank.cli.commands.books import _anchored, _known_head
from coopbank.cli.documents import read_json, read_text
from coopbank.errors import CoopbankError, InvalidValue
from coopbank.exchange import import_file
from coopbank.exchange.bank_lines import BankFile, read_statements
from coopbank.exchange.faults import Faults
from coopbank.exchange.imports import KINDS
from coopbank.exchange.layout import read_layout
from coopbank.exchange.verify import Book as ExportedBook
from coopbank.finance.apr import apr
from coopbank.finance.schedule import schedule
from coopbank.finance.seasonal import read_terms
from coopbank.reports.find import find_members
from coopbank.tui import settings as counter
from tests.crash.damage import limited
from tests.exchange.test_bank_lines import CAMT, CSV, OFX_1, OFX_2
from tests.support_bank import SmallBank, new_bank

LONGEST = 20  # seconds of the processor, for files of at most some hundred kilobytes: a reader that takes longer hangs


@dataclass
class Desk:
    """What a reader may need besides the bytes."""

    small: SmallBank
    file: Path


Reader = Callable[[Desk, bytes], object]


def from_file(read: Callable[[Path], object]) -> Reader:
    """A reader that is given a name."""

    def reader(desk: Desk, content: bytes) -> object:
        desk.file.write_bytes(content)
        desk.file.chmod(0o600)
        return read(desk.file)

    return reader


def rows_of(kind: str) -> Reader:
    def reader(desk: Desk, content: bytes) -> object:
        desk.file.write_bytes(content)
        day = date(2026, 3, 2) if kind in ("savings", "shares", "loans") else None
        return import_file(desk.small.bank, desk.small.ana, kind, desk.file, dry_run=True, as_of=day)

    return reader


def bank_file(desk: Desk, content: bytes) -> object:
    return [read_statements(content, about, "USD", Faults("file")) for about in (BankFile(), BankFile(dates="mdy"))]


def requested(desk: Desk, content: bytes) -> object:
    """What `do --json` does with a document."""
    desk.file.write_bytes(content)
    said = read_json(read_text(str(desk.file)))
    name = str(said.pop("operation", "deposit")) if isinstance(said, dict) else "deposit"
    return desk.small.bank.build(name, said if isinstance(said, dict) else {"member": said})


def typed(desk: Desk, content: bytes) -> object:
    """The find box: what somebody types, or a scanner reads from the square code of a paper."""
    with desk.small.read() as books:
        return find_members(books, content.decode(errors="replace"))  # arguments that are no text go no further


def exported(desk: Desk, content: bytes) -> object:
    """The script that comes with an export and needs nothing of coopbank."""
    log = ExportedBook({})
    for line in content.split(b"\n"):
        log.line(line)
    return log


def unlocked(file: Path) -> object:
    keys = KeyFile(file)
    return keys.exists(), keys.seals(), keys.cost(), keys.codes(), keys.opens_for("ana"), keys.unlock_session("token")


def settings_of(desk: Desk, content: bytes) -> object:
    folder = desk.file.parent / "coopbank"
    folder.mkdir(exist_ok=True)
    (folder / "counter.json").write_bytes(content)
    (folder / "sign-ins.json").write_bytes(content)
    (folder / "sign-ins.json").chmod(0o600)
    return counter.load(), state.kept_sign_in("ledger.db")


PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TERMS = json.dumps(
    {"disbursements": [{"date": "2026-01-15", "amount": "12000.00"}], "annual_rate": "7.25", "installments": 24,
     "every": {"months": 1}, "method": "level", "day_count": "actual/365", "fees": [{"flat": "10"}],
     "changes": [{"on": "2026-06-15", "annual_rate": "4"}], "first_due": "2026-02-15"}
)  # fmt: skip
APR = json.dumps(
    {"advances": [{"periods": 0, "amount": "1000.00"}], "unit_period": {"months": 1},
     "payments": [{"amount": "230.00", "periods": n, "fraction": "4/7"} for n in range(1, 6)]}
)  # fmt: skip
SEALED = json.dumps(
    ["coopbank/1", "ab" * 16, 1, "2026-03-02T18:00:00.000000Z", "2026-03-02", "ana", None, "deposit", 1, "k", {},
     [[1, "2026-03-02", "m", None, [[1, 5], [2, -5]]]],
     [["account", 1, "739", "POOL", "D1", None, "asset", "USD", 0, None]], "00" * 32]
)  # fmt: skip
KEYS = json.dumps(
    {"form": FORM, "book": "ab", "sign": "cd", "seal": "ef", "cost": [1, 8, 1], "older": ["AAAA"], "codes": {},
     "slots": {"user:ana": {"salt": "00" * 16, "cost": [1, 8, 1], "box": "AAAA"}}}
)  # fmt: skip
PEM = (
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"
)
LOANS = "loan,member,principal,annual_rate,installments,disbursed_on\nL-007,M0001,900.00,5,12,2025-11-03\n"
LAYOUT = '{"columns": {"Date": "on"}, "ignore": ["x"], "dates": "us"}'
ANCHORS = "2026-03-02 12:9f86d081884c7d65 book abcdef01\n# no\n"

READERS: dict[str, tuple[Reader, str | bytes]] = {
    "OFX 1": (bank_file, OFX_1),
    "OFX 2": (bank_file, OFX_2),
    "camt.053": (bank_file, CAMT),
    "bank CSV": (bank_file, CSV),
    "members": (rows_of("members"), "name,phone,joined\nMia Lee,601 555 0101,2020-01-01\nNoa,,2021-02-03\n"),
    "operations, lines": (rows_of("operations"), '{"operation": "admit-member", "member_name": "Noa"}\n' * 2),
    "savings": (rows_of("savings"), "member,balance\nM0001,12.50\nM0001,1.00\n"),
    "shares": (rows_of("shares"), "member,balance\nM0001,25.00\n"),
    "loans": (rows_of("loans"), LOANS),
    "operations": (rows_of("operations"), '[{"operation": "deposit", "member": "M0001", "amount": "1.00"}]'),
    "entries": (rows_of("entries"), "register,name\nCOOPS,Mill\n"),
    "a request": (requested, '{"operation": "deposit", "member": "M0001", "amount": "1.00", "tender": "transfer"}'),
    "loan terms": (lambda desk, content: schedule(read_terms(content.decode("utf-8-sig", "replace"))), TERMS),
    "APR terms": (lambda desk, content: apr(content), APR),
    "layout": (from_file(lambda file: read_layout(str(file))), LAYOUT),
    "anchors": (from_file(lambda file: _anchored(str(file), "")), ANCHORS),
    "a head": (lambda desk, content: _known_head(content.decode(errors="replace")), "4211:9f86d081884c7d65"),
    "the find box": (typed, "M0001 4211:9f86d081884c7d65"),
    "key file": (from_file(unlocked), KEYS),
    "public key": (lambda desk, content: public_key_of_file(content.decode(errors="replace")), PEM),
    "sealed file": (from_file(lambda file: (is_sealed(file), header_of(file))), b"coopbank sealed\n" + bytes(90)),
    "settings": (settings_of, '{"language": "es", "theme": "dark", "lock_minutes": 5, "guide": true}'),
    "exported log": (exported, SEALED),
    "letterhead": (lambda desk, content: require_picture(base64.b64encode(content).decode()), PICTURE),
}  # fmt: skip

TOKENS = [
    b"",
    b"\0",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b'"',
    b"'",
    b",",
    b";",
    b"\t",
    b"=1+1",
    b"@SUM(A1)",
    b"<b>",
    b"[red]",
    b"{",
    b"}",
    b"[",
    b"]",
    b"{}",
    b"[]",
    b"[" * 3000,
    b'{"a":' * 3000,
    b"<a>" * 3000,
    b"null",
    b"true",
    b"NaN",
    b"-Infinity",
    b"1e9999",
    b"1e-9999",
    b"-0",
    b"0.005",
    b"9" * 30,
    b"9" * 5000,
    b"0x10",
    b"1_000",
    "١٢٣".encode(),
    b"-",
    b"--",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\\u0000",
    "\u202e".encode(),
    "\u2028".encode(),
    "😀".encode(),
    "e\u0301".encode(),
    b"x" * 10_000,
    b"2026-02-30",
    b"0000-00-00",
    b"9999-12-31",
    b"20260230",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"&b;",
    b"&#0;",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"-->",
    b"</OFX>",
    b"<STMTTRN>",
    b"xmlns='x'",
    b"sep=;\n",
    b"%s%n",
    b"{0.__class__}",
    b"../../etc/passwd",
    b"'; DROP TABLE x;--",
]
LONG = [b"<a>", b"[", b'{"a":', b'"', b",", b"\n", b"a,b\n", b"(", b"9", b"&amp;", b"<STMTTRN>", b"  ", b"\xe2\x80\xae"]
EDIT = st.tuples(
    st.floats(0, 1), st.integers(0, 30), st.sampled_from(TOKENS) | st.binary(max_size=8), st.integers(1, 4)
)


def damaged(example: bytes, edits: list[tuple[float, int, bytes, int]]) -> bytes:
    """The example, with spans replaced by tokens; a token of nothing doubles what stands there."""
    content = example
    for place, length, token, times in edits:
        at = round(place * len(content))
        new = (token or content[at : at + length] * 2) * times
        content = content[:at] + new + content[at + length :]
    return content


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("parsers")
    with new_bank(str(folder / "book.db")) as small, pytest.MonkeyPatch.context() as patch:
        small.admit("Mia Lee")
        small.do("open-savings", member="M0001")
        patch.setenv("XDG_CONFIG_HOME", str(folder))
        patch.setenv("XDG_STATE_HOME", str(folder))
        yield Desk(small, folder / "any")


def read_or_refused(desk: Desk, reader: Reader, content: bytes) -> bool:
    """Whether it was read; what is refused is refused in words that can be shown."""
    try:
        with limited(LONGEST):
            reader(desk, content)
    except CoopbankError as refusal:
        text = str(refusal)
        assert text.strip() and len(text) < 3000
        text.encode()
        json.dumps(refusal.as_dict()).encode()
        return False
    return True


@pytest.mark.parametrize("name", READERS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(EDIT, max_size=5))
def test_a_damaged_file_is_read_or_refused(desk: Desk, name: str, edits: list[tuple[float, int, bytes, int]]) -> None:
    reader, example = READERS[name]
    read_or_refused(desk, reader, damaged(example if isinstance(example, bytes) else example.encode(), edits))


@pytest.mark.parametrize("name", READERS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(desk: Desk, name: str, content: bytes) -> None:
    read_or_refused(desk, READERS[name][0], content)


@pytest.mark.parametrize("name", READERS)
def test_the_example_itself_is_read_and_long_ones_come_to_an_end(desk: Desk, name: str) -> None:
    """One token many times over: what takes the square of a file's length shows here."""
    reader, example = READERS[name]
    content = example if isinstance(example, bytes) else example.encode()
    if name not in ("sealed file", "public key", "savings", "shares", "loans", "entries"):  # need more than an example
        assert read_or_refused(desk, reader, content), "the example is good"
    for token in (
        b"<a>",
        b"[",
        b'{"a":',
        b'"',
        b",",
        b"\n",
        b"a,b\n",
        b"(",
        b"9",
        b"&amp;",
        b"<STMTTRN>",
        b"  ",
        b"\xe2\x80\xae",
    ):
        read_or_refused(desk, reader, token * (100_000 // len(token)))
        read_or_refused(desk, reader, content + token * (50_000 // len(token)))


def test_names_that_somebody_made_up_are_not_told_at_full_length(desk: Desk) -> None:
    for document in ({"operation": "[" * 5000}, {"operation": "close-day", "[" * 5000: 1}):
        with pytest.raises(CoopbankError) as refused:
            requested(desk, json.dumps(document).encode())
        assert len(str(refused.value)) < 300 and len(refused.value.field or "") < 100


FOUND = [("bank CSV", content) for content in (b"sep=", b"sep=\n", b"sep=\r\n,", b"sep=x\nDate,Amount\n")]
FOUND.append(("letterhead", PICTURE.replace(b"IDATx\xda", b"IEND\xaeB", 1)))  # ends before anything is painted
FOUND.append(("public key", PEM.replace("MCowBQYDK2", "MCowBQYDO2").encode()))  # of a kind that there is not


@pytest.mark.parametrize(("name", "content"), FOUND)
def test_what_a_fuzzer_found(desk: Desk, name: str, content: bytes) -> None:
    """`make fuzz` did: each of these was a traceback."""
    read_or_refused(desk, READERS[name][0], content)


def test_a_picture_that_ends_in_its_middle_is_no_letterhead() -> None:
    """It would be every paper that could not be drawn."""
    whole = BytesIO()
    Image.effect_noise((60, 60), 50).save(whole, "JPEG")
    require_picture(base64.b64encode(whole.getvalue()).decode())
    with pytest.raises(InvalidValue, match="no PNG or JPEG"):
        require_picture(base64.b64encode(whole.getvalue()[:900]).decode())


def test_no_reader_was_forgotten() -> None:
    """Every import by name is tried."""
    assert set(KINDS) <= set(READERS)
