"""Documents that were made: recorded, made again byte by byte, replaced by editions, held against the books."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from reportlab.platypus import Flowable

from coopbank.bank import records
from coopbank.bank.verify import verify
from coopbank.errors import AlreadyExists, InvalidDate, InvalidValue, NotAllowed, Unknown, WrongState, WrongUsage
from coopbank.ledger.verify import wrong
from coopbank.statements import Copy, check, lock, make, make_again, make_month, making, print_ready
from coopbank.statements.batch import MANIFEST
from coopbank.statements.document import Document
from coopbank.statements.sheet import Brand, Sheet, Stamp
from tests.statements.told import Told
from tests.statements.village import Village
from tests.support_bank import SmallBank, assert_books, new_bank

MARCH = (date(2026, 3, 1), date(2026, 3, 31))


def grown(small: SmallBank, month: int = 4) -> str:
    """A member with shares and savings in March, in April."""
    ada = small.admit("Ada Tate", language="en")
    small.do("buy-shares", member=ada, amount="25.00")
    small.do("open-savings", member=ada)
    small.do("deposit", member=ada, amount="80.00")
    small.go_to(f"2026-{month:02d}-02")
    return ada


def statement(small: SmallBank, who: str, folder: Path, **options: Any) -> making.Written:
    """Member `who`'s statement of March, made by Ana."""
    options.setdefault("actor", small.ana)
    return make(small.bank, "member-statement", who, *MARCH, folder=folder, **options)


def words(found: Any) -> dict[str, bool | None]:
    return {answer.name: answer.agrees for answer in found.answers}


def test_a_document_is_recorded_and_a_copy_is_the_same_bytes_whatever_came_after(
    engine_url: str, tmp_path: Path
) -> None:
    with new_bank(engine_url) as small:
        ada = grown(small)
        first = statement(small, ada, tmp_path / "a")
        assert (first.number, first.recorded, first.again) == ("ST-2026-03-M0001", True, False)
        small.do("deposit", member=ada, amount="5.00")
        small.agreed("set-policy", by=small.tom, approver=small.sue, policy="phone", value="601 555 0199")
        small.go_to("2026-04-03")
        again = statement(small, ada, tmp_path / "b")
        assert again.identical and again.path.read_bytes() == first.path.read_bytes()
        reader = statement(small, ada, tmp_path / "c", actor=None)
        assert reader.identical and reader.sha256 == first.sha256
        with small.read() as books:
            body = books.get(records.Document, first.number)
            assert (body.as_of, body.made_by, body.edition) == (first.entry.as_of, "ana", 1)
            assert books.version("document", first.number) == 1, "a copy that was known is not recorded again"
        assert_books(small)


def test_any_number_that_a_document_can_have_is_recorded(village: Village, tmp_path: Path) -> None:
    odd = (date(2025, 3, 3), date(2025, 6, 14))
    for kind, about, *_days in village.papers:
        days = () if kind == "payoff" else odd  # a payoff is of today or later
        made = make(village.bank, kind, about, *days, actor=village.dell, folder=tmp_path)
        assert made.recorded and check(village.bank, str(made.path)).agrees, made.number
        assert make(village.bank, kind, about, *days, folder=tmp_path / "again").identical
    assert wrong(verify(village.bank.database)) == []


def test_what_could_not_be_made_today_is_made_again_by_its_number(engine_url: str, tmp_path: Path) -> None:
    with new_bank(engine_url) as small:
        small.do("receive-gift", by=small.tom, fund="RLF", amount="900.00", donor="A friend", tender="transfer")
        ada = small.admit("Ada Tate")
        terms = {"principal": "600.00", "annual_rate": "9", "installments": 6}
        loan = small.agreed("grant-loan", approver=small.tom, member=ada, **terms).created[0]
        small.do("disburse-loan", by=small.tom, loan=loan)
        first = make(small.bank, "payoff", loan, actor=small.ana, folder=tmp_path / "a")
        small.go_to("2026-04-09")
        small.do("repay-loan", loan=loan, amount="90.00", tender="transfer")
        with pytest.raises(InvalidDate):
            make(small.bank, "payoff", loan, end=date(2026, 3, 2), folder=tmp_path / "b")
        again = make_again(small.bank, first.number, folder=tmp_path / "b")
        assert again.identical and again.path.read_bytes() == first.path.read_bytes()
        large = make_again(small.bank, first.number, actor=small.ana, folder=tmp_path, copy=Copy(print_size="large"))
        assert large.recorded and large.entry.figures == first.entry.figures
        assert check(small.bank, str(large.path)).agrees
        with pytest.raises(Unknown):
            make_again(small.bank, "ST-2026-03-M0001", folder=tmp_path)
        assert_books(small)


def test_copies_in_other_print_and_language_share_number_and_figures(engine_url: str, tmp_path: Path) -> None:
    with new_bank(engine_url) as small:
        ada = grown(small)
        first = statement(small, ada, tmp_path)
        large = statement(small, ada, tmp_path, copy=Copy(language="es", print_size="large", paper="a4"))
        assert large.again and not large.identical and large.recorded
        assert large.number == first.number and large.entry.figures == first.entry.figures
        assert large.path != first.path and Told(large.path.read_bytes()).language == "es-US"
        assert statement(small, ada, tmp_path, copy=Copy(language="es", print_size="large", paper="a4")).identical
        for file in (first.path, large.path):
            assert check(small.bank, str(file)).agrees
        assert_books(small)


def test_changed_figures_make_a_new_edition_that_names_what_changed(engine_url: str, tmp_path: Path) -> None:
    with new_bank(engine_url) as small:
        small.do("receive-gift", by=small.tom, fund="GEN", amount="500.00", donor="A friend", tender="transfer")
        ada = grown(small)
        first = statement(small, ada, tmp_path)
        adjusted = small.agreed(
            "journal-entry", by=small.tom, approver=small.sue, effective_on="2026-03-31", memo="Counted wrongly",
            lines=[f"GEN 791/{ada} Dr 12.00", "GEN 731/FIRST Cr 12.00"],
        )  # fmt: skip
        second = statement(small, ada, tmp_path)
        assert (second.number, second.entry.replaces) == ("ST-2026-03-M0001.E2", first.number)
        text = Told(second.path.read_bytes()).text
        assert "It replaces document ST-2026-03-M0001." in text and f"receipt {adjusted.number}" in text
        old = check(small.bank, str(first.path))
        assert old.agrees and any(second.number in answer.words for answer in old.answers if answer.name == "since")
        assert check(small.bank, code(second)).agrees
        assert_books(small)


def code(made: making.Written) -> str:
    """The code that is printed in a document."""
    with pikepdf.open(made.path) as pdf:
        return str(pdf.docinfo["/Keywords"])


def test_a_code_is_checked_as_it_is_typed(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        ada = grown(small)
        made = statement(small, ada, tmp_path)
        printed = code(made)
        for typed in (printed, printed.lower(), printed.replace(":", "  "), printed.removeprefix("COOPBANK:"),
                      printed[:-8] + " " + printed[-8:]):  # fmt: skip
            assert words(check(small.bank, typed)) == {"books": True, "record": True, "figures": True}
        forged = printed[:-1] + ("0" if printed[-1] != "0" else "1")
        assert words(check(small.bank, forged))["figures"] is False
        number, operation, head, figures = printed.split(":")[1:]
        assert words(check(small.bank, f"{number} {operation} {'0' * 16} {figures}")) == {"books": False}
        assert words(check(small.bank, f"{number} 99999 {head} {figures}")) == {"books": False}
        assert words(check(small.bank, f"ST-2026-03-M9999 {operation} {head} {figures}"))["figures"] is False
        for nonsense in ("", "hello", "COOPBANK:ST:1:2:3", "ST-1 x y z", "9" * 5000):
            with pytest.raises(InvalidValue):
                check(small.bank, nonsense)


def test_a_file_that_was_touched_and_books_that_were_changed_are_told(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        ada = grown(small)
        made = statement(small, ada, tmp_path)
        small.spoiled = True
        touched = tmp_path / "touched.pdf"
        with pikepdf.open(made.path) as pdf:
            pdf.docinfo["/Title"] = "Another"
            pdf.save(touched)
        assert words(check(small.bank, str(touched))) == {
            "books": True, "record": True, "figures": True, "file": False
        }  # fmt: skip
        unread = statement(small, ada, tmp_path / "u", actor=None, copy=Copy(paper="a4"))
        assert words(check(small.bank, str(unread.path)))["file"] is False
        with pytest.raises(WrongUsage):
            check(small.bank, str(tmp_path / "b.db"))
        with small.bank.database.write() as tx:  # a name is forgotten: the document's figures hold it
            tx.run("UPDATE personal SET salt = NULL, value = NULL WHERE field = 'member_name'")
        assert words(check(small.bank, code(made)))["figures"] is False


def test_two_who_make_the_same_document_get_the_same(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        ada = grown(small)
        made: list[making.Written] = []
        go = threading.Barrier(4)

        def work(n: int) -> None:
            go.wait()
            made.append(statement(small, ada, tmp_path / str(n)))

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({each.sha256 for each in made}) == 1 and len(made) == 4
        with small.read() as books:
            assert [ref for ref, _body in books.every(records.Document)] == ["ST-2026-03-M0001"]
        assert_books(small)


def test_what_was_drawn_before_somebody_was_forgotten_is_drawn_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would say the name of who was forgotten while it lay between the drawing and the record."""
    drawn: list[bytes] = []
    with new_bank(str(tmp_path / "b.db")) as small:
        zoe = small.admit("Zoe Quist")
        small.do("change-member", member=zoe, status="left")
        small.go_to("2026-04-02")
        store = making.store

        def forgotten_meanwhile(path: Path, data: bytes) -> None:
            store(path, data)
            if not drawn:
                small.agreed("forget-member", by=small.admin, approver=small.tom, member=zoe, before_time=True)
            drawn.append(data)

        monkeypatch.setattr(making, "store", forgotten_meanwhile)
        done = make(
            small.bank, "member-statement", zoe, date(2026, 3, 1), date(2026, 3, 31), actor=small.ana, folder=tmp_path
        )
        with small.read() as books:
            forgot = books.tx.value("SELECT id FROM operation WHERE kind = 'forget-member'")
            assert books.get(records.Document, done.number).as_of >= forgot
    before, after = ("".join(Told(data).text.split()) for data in drawn)
    assert "ZoeQuist" in before and "Zoe" not in after
    assert done.path.read_bytes() == drawn[1]


class _Slow(Document[str]):
    """A page that takes a while, and counts who draws one."""

    drawing, most = 0, 0

    def title(self) -> str:
        return "Slow"

    def body(self) -> Iterator[Flowable]:
        _Slow.drawing += 1
        _Slow.most = max(_Slow.most, _Slow.drawing)
        time.sleep(0.1)
        yield self.paragraph("x")
        _Slow.drawing -= 1


def test_one_thread_draws_at_a_time() -> None:
    """ReportLab reads a font with one cursor and keeps one table of fonts: two threads spoiled each other's pages."""
    sheet = Sheet(Brand("Bank", "coop-bank"), Stamp("ST-1", 1, "00", "2026-03-01T00:00:00Z", figures="00"))
    made: list[bytes] = []
    threads = [threading.Thread(target=lambda: made.append(_Slow("", sheet).to_bytes())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _Slow.most == 1 and len(made) == 3 and len(set(made)) == 1


def test_another_version_of_the_program_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        ada = grown(small)
        first = statement(small, ada, tmp_path / "a")
        monkeypatch.setattr(making, "__version__", "9.9")
        later = statement(small, ada, tmp_path / "b")
        assert later.again and not later.identical and later.entry.figures == first.entry.figures
        assert f"made by version {first.software}" in Told(later.path.read_bytes()).text
        assert check(small.bank, str(later.path)).agrees and check(small.bank, str(first.path)).agrees


def test_what_cannot_be_a_document_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        ada = grown(small)
        for kind, about, error in (
            ("novel", ada, InvalidValue), ("payoff", "L-099", Unknown), ("decline", "A-001", Unknown),
            ("receipt", "99999", Unknown), ("receipt", "x", Unknown), ("receipt", "1", WrongState),
            ("day-report", "2026-03-02", WrongUsage), ("balance-sheet", ada, WrongUsage),
            ("gift-letter", "G-99", Unknown), ("note-statement", "N-9", Unknown), ("member-statement", "", Unknown),
        ):  # fmt: skip
            with pytest.raises(error):
                make(small.bank, kind, about, actor=small.ana, folder=tmp_path / "out")
        assert not (tmp_path / "out").exists()
        head = statement(small, ada, tmp_path).entry
        for changes, refused in (
            ({"as_of": head.as_of + 1}, AlreadyExists), ({"figures": "0" * 64}, AlreadyExists),
            ({"number": "ST-2026-04-M0001", "head": "0" * 16}, InvalidValue),
            ({"number": "ST-2026-03-M0001.E3", "edition": 3}, WrongState),
        ):  # fmt: skip
            with pytest.raises(refused):
                small.bank.record_documents(small.ana, [head.model_copy(update=changes)])
        with pytest.raises(NotAllowed):
            small.bank.perform(small.ana, making_record(head))
        assert_books(small)


def making_record(entry: Any) -> Any:
    from coopbank.bank.operations.documents import RecordDocuments

    return RecordDocuments(documents=[entry])


def test_a_forged_record_of_a_document_is_found(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        ada = grown(small)
        statement(small, ada, tmp_path)
        assert_books(small)
        small.spoiled = True
        with small.bank.database.write() as tx:
            for name in [name for (name,) in tx.rows("SELECT name FROM sqlite_master WHERE type = 'trigger'")]:
                tx.run(f"DROP TRIGGER {name}")
            tx.run("UPDATE record SET body = json_set(body, '$.head', '0000000000000000') WHERE kind = 'document'")
        assert any(verdict.count for verdict in verify(small.bank.database))


# ------------------------------------------------------------------------------------ batches


def test_a_month_is_resumed_and_its_manifest_says_what_it_is(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        grown(small)
        for name in ("Bea Lee", "Cal Wells"):
            small.do("buy-shares", member=small.admit(name), amount="25.00")
        small.go_to("2026-05-04")
        first = make_month(small.bank, "2026-04", tmp_path, actor=small.ana)
        assert (first.made, first.kept, first.failed) == (3, 0, ())
        first.files[1].unlink()
        again = make_month(small.bank, "2026-04", tmp_path, actor=small.ana)
        assert (again.made, again.kept) == (0, 3) and first.files[1].is_file()
        manifest = json.loads((tmp_path / "2026-04" / MANIFEST).read_text())
        assert [each["sha256"] for each in manifest["files"]] == [
            hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(first.files)
        ]
        some = make_month(small.bank, "2026-04", tmp_path / "some", actor=small.ana, members=["M0002"])
        assert [file.name[:5] for file in some.files] == ["M0002"]
        with pytest.raises(Unknown):
            make_month(small.bank, "2026-04", tmp_path, members=["M0099"])
        whole = print_ready(small.bank, again, tmp_path / "all.pdf")
        with pikepdf.open(whole) as pdf:
            pages = [len(pikepdf.open(file).pages) for file in again.files]
            assert len(pdf.pages) == sum(count + count % 2 for count in pages)
        assert_books(small)


def test_several_processes_make_what_one_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from coopbank.statements import batch

    monkeypatch.setattr(batch, "_SHARE", 2)
    with new_bank(str(tmp_path / "b.db")) as small:
        for n in range(7):
            small.do("buy-shares", member=small.admit(f"Member {n}"), amount="25.00")
        small.go_to("2026-04-02")
        alone = make_month(small.bank, "2026-03", tmp_path / "one")
        both = make_month(small.bank, "2026-03", tmp_path / "two", jobs=2)
        assert [file.name for file in both.files] == [file.name for file in alone.files]
        for one, other in zip(alone.files, both.files, strict=True):
            assert one.read_bytes() == other.read_bytes()


def killed(_work: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_is_killed_leaves_its_share_to_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coopbank.statements import batch

    monkeypatch.setattr(batch, "_SHARE", 2)
    monkeypatch.setattr(batch, "_begin", killed)  # what runs first in the other process
    with new_bank(str(tmp_path / "b.db")) as small:
        for n in range(5):
            small.do("buy-shares", member=small.admit(f"Member {n}"), amount="25.00")
        small.go_to("2026-04-02")
        made = make_month(small.bank, "2026-03", tmp_path / "out", actor=small.ana, jobs=2)
        assert (made.made, made.failed) == (5, ())
        assert all(check(small.bank, str(file)).agrees for file in made.files)
        assert_books(small)


def test_one_that_fails_is_told_and_a_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        grown(small)
        place = small.bank.database.place
    run = subprocess.run(
        [sys.executable, "-c", _FULL, place, str(tmp_path / "out")], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "cannot be written: File too large" in run.stdout
    assert [path.name for path in (tmp_path / "out" / "2026-03").iterdir()] == []


_FULL = """
import resource, sys
from datetime import date
from coopbank.bank.bank import Bank
from coopbank.errors import WrongUsage
from coopbank.statements import make
bank = Bank.open(sys.argv[1], read_only=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
try:
    make(bank, "member-statement", "M0001", date(2026, 3, 1), date(2026, 3, 31), folder=sys.argv[2])
except WrongUsage as refusal:
    print(refusal)
bank.close()
"""


def test_a_locked_copy_opens_with_its_phrase_only(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        ada = grown(small)
        made = statement(small, ada, tmp_path)
        with pytest.raises(InvalidValue):
            lock(made.path, "short")
        locked = lock(made.path, "three warm words")
        with pytest.raises(pikepdf.PasswordError):
            pikepdf.open(locked)
        with pikepdf.open(locked, password="three warm words") as pdf:
            assert pdf.encryption.bits == 256 and pdf.encryption.R == 6
        with pytest.raises(WrongUsage):
            check(small.bank, str(locked))
