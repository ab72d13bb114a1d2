"""Makes docs/audit-runbook.md: what an auditor does, and what becomes of whoever changes the file, with real output.

The words stand in audit_template.md. The bank is made for the page; its commands are run, its file is attacked as
tests/attacks does, and what the program says is what it said.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

from coopbank.bank import passphrases
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.clock import SetClock
from tests.attacks.rewriter import Rewriter, with_guards_off
from tests.documents.gallery_stage import BOOKS, CHEAP, Scene, found_scene, nonces, run_program
from tests.support_bank import PASSPHRASE, SmallBank

TEMPLATE = Path(__file__).with_name("audit_template.md")
DAYS = ("2026-03-03", "2026-03-04", "2026-03-05")


def page(place: str) -> str:
    """The page; the books are made beside that place."""
    book = _Audited(Path(place).parent / "audited")
    text = TEMPLATE.read_text(encoding="utf-8")
    return re.sub(r"^\{(.+)\}$", lambda found: book.part(found[1]), text, flags=re.MULTILINE)


class _Audited:
    """A bank whose days were closed under a key, and what is typed about it."""

    def __init__(self, folder: Path) -> None:
        self.scene = found_scene(folder)
        self.live()
        self.parts: dict[str, Callable[[], str]] = {
            "verify": self.verify, "key": self.key, "pack": self.pack, "statement": self.statement,
            "refused": self.refused, "shell": self.shell, "rehash": self.rehash, "cut": self.cut,
            "audit": self.audit,
        }  # fmt: skip

    def part(self, name: str) -> str:
        """A part of the page, by its place in the template."""
        return self.parts[name]()

    def live(self) -> None:
        """Four days, of which three are closed and signed; then a deposit that no close covers."""
        clock = SetClock(self.scene.clock)
        bank = Bank.open(str(self.scene.place), clock=clock, nonce=nonces("audited"))
        small = SmallBank(bank, clock)
        with patch.object(passphrases, "_hasher", CHEAP):
            bank.make_keys(Actor("admin", ("administrator",)), PASSPHRASE)
        small.admit("Mia Lee", tax_id="12-3456789")
        small.do("buy-shares", member="M0001", amount="25.00")
        small.do("open-savings", member="M0001")
        small.do("deposit", member="M0001", amount="300.00")
        small.do("receive-gift", by=small.tom, amount="5000.00", donor="Cora Quist", fund="RLF", tender="transfer")
        small.agreed("grant-loan", member="M0001", principal="1200.00", annual_rate="6", installments=12)
        small.do("disburse-loan", by=small.tom, loan="L-001", tender="transfer")
        for day in DAYS:
            small.do("deposit", member="M0001", amount="10.00")
            small.go_to(day)
        small.do("deposit", member="M0001", amount="40.00")
        self.scene.clock = clock.instant
        bank.close()

    # ------------------------------------------------------------------------- typing

    def typed(self, command: str, scene: Scene | None = None, most: int = 60) -> str:
        """A command of the program, and what it said."""
        shown = run_program(scene or self.scene, command, env={"COOPBANK_PASSPHRASE": PASSPHRASE, "COLUMNS": "118"})
        return _block(f"$ {command}", _shortened(shown.text, most))

    def copy(self, name: str) -> Scene:
        """Another copy of the books, to be spoilt; with what lies beside them."""
        made = self.scene.copied(self.scene.folder.parent / name)
        for pattern in ("*.key", "anchors.log"):
            for file in self.scene.folder.glob(pattern):
                shutil.copy(file, made.folder)
        for file in self.scene.folder.glob("key.pem"):
            shutil.copy(file, made.folder)
        return made

    def number(self, kind: str, last: bool = False) -> int:
        """The first or the last operation of a kind."""
        with closing(sqlite3.connect(self.scene.place)) as db:
            pick = "max" if last else "min"
            return int(db.execute(f"SELECT {pick}(id) FROM operation WHERE kind = ?", (kind,)).fetchone()[0])

    # -------------------------------------------------------------------------- parts

    def verify(self) -> str:
        return self.typed("coopbank verify")

    def key(self) -> str:
        anchors = (self.scene.folder / "anchors.log").read_text()
        shown = self.typed("coopbank keys show --pem key.pem")
        return "\n\n".join([
            _block("$ cat anchors.log", anchors), shown.replace(str(self.scene.folder) + "/", ""),
            self.typed("coopbank verify --key key.pem --anchors anchors.log", most=4),
        ])  # fmt: skip

    def pack(self) -> str:
        shown = self.typed("coopbank --as admin export pack pack", most=0)
        folder = self.scene.folder / "pack"
        shutil.copy(self.scene.folder / "key.pem", folder.parent / "before.pem")
        return "\n\n".join([
            shown,
            _ran(folder, "sha256sum --check --quiet SHA256SUMS && echo whole"),
            _ran(folder, "python3 verify.py --key ../before.pem"),
            _ran(folder, "openssl pkeyutl -verify -pubin -inkey ../before.pem -rawin -in MANIFEST.json"
                         " -sigfile MANIFEST.json.sig"),
            _ran(folder, "head -3 pbc/Signed_Closes.csv | cut -c1-100"),
        ])  # fmt: skip

    def statement(self) -> str:
        folder = self.scene.folder / "pack"
        savings = _ran(folder, "grep 905,GEN,M0001 pbc/Share_Trial_Balance.csv")
        return "\n\n".join([savings, _ran(folder, "grep -h ,M0001 ads/GL_Detail_*.csv | cut -d, -f1,5,7,10,11,12")])

    def refused(self) -> str:
        statement = "UPDATE posting SET amount = 99900 WHERE entry_id = 3 AND line = 1"
        with closing(sqlite3.connect(self.scene.place)) as db:
            try:
                db.execute(statement)
            except sqlite3.DatabaseError as error:
                return _block(f'$ sqlite3 {BOOKS} "{statement}"', f"Runtime error: {error}")
        raise AssertionError("the database took it")

    def shell(self) -> str:
        """The guards dropped, and what stands in the tables changed."""
        found = []
        for statement in (
            "UPDATE posting SET amount = amount * 3 WHERE entry_id = 3",
            "UPDATE operation SET actor = 'sue' WHERE kind = 'receive-gift'",
            "UPDATE record SET body = replace(body, '\"6\"', '\"1\"') WHERE kind = 'loan-terms'",
            "UPDATE period_state SET state = 'open' WHERE period = '2026-03-03'",
        ):
            spoilt = self.copy(f"shell {len(found)}")
            with_guards_off(spoilt.place, lambda db, typed=statement: db.execute(typed))  # type: ignore[misc]
            shown = run_program(spoilt, "coopbank verify", env={"COLUMNS": "118"})
            said = (line for line in shown.text.splitlines() if "encrypted:" not in line)
            wrong = [line for line in said if line.startswith("  ") or "WRONG." in line]
            found.append(_block(f'$ sqlite3 {BOOKS} "{statement}"\n$ coopbank verify', "\n".join(wrong[:6])))
        return "\n\n".join(found)

    def rehash(self) -> str:
        spoilt = self.copy("rehashed")
        with Rewriter(spoilt.place, "drop") as forger:
            forger.change(self.number("deposit"), lambda places: places.__setitem__(3, places[3].replace("18:", "23:")))
        return "\n\n".join([
            self.typed("coopbank verify", spoilt, most=-3),
            self.typed("coopbank verify --key key.pem", spoilt, most=-6),
            self.typed("coopbank verify --anchors anchors.log", spoilt, most=-6),
        ])  # fmt: skip

    def cut(self) -> str:
        spoilt = self.copy("cut")
        with Rewriter(spoilt.place) as forger:
            forger.cut_after = self.number("sign-close")
        return "\n\n".join([
            self.typed("coopbank verify --key key.pem", spoilt, most=-3),
            self.typed("coopbank verify --anchors anchors.log", spoilt, most=-5),
        ])  # fmt: skip

    def audit(self) -> str:
        return self.typed("coopbank audit")


def _block(command: str, text: str) -> str:
    return f"```\n{command}\n{text.rstrip()}\n```"


def _shortened(text: str, most: int) -> str:
    """The first lines, or with a negative number the last."""
    lines = text.rstrip().splitlines()
    if most == 0:
        return f"({len(lines)} lines: one for each file)"
    if abs(most) >= len(lines):
        return "\n".join(lines)
    return "\n".join([*lines[: most - 2], "...", *lines[-2:]]) if most > 0 else "\n".join(["...", *lines[most:]])


def _ran(folder: Path, command: str) -> str:
    """A command of the shell in a folder; `python3` is this Python."""
    real = command.replace("python3", f"{sys.executable} -I")
    done = subprocess.run(real, shell=True, cwd=folder, capture_output=True, text=True, check=False)
    return _block(f"$ {command}", done.stdout + done.stderr)
