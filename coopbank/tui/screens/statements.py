"""The statements of a month for everybody: made in a worker, with a bar, and stopped at will."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, ProgressBar, Static

from coopbank.errors import CoopbankError, InvalidDate
from coopbank.tui.screens.base import HELP_KEY, CounterScreen, StatusLine
from coopbank.tui.show import neat
from coopbank.tui.widgets.banner import Banner
from coopbank.tui.widgets.inputs import LineInput
from coopbank.tui.widgets.keys import KeysLine
from coopbank.tui.widgets.rows import Column, RowList
from coopbank.words import _, marked

if TYPE_CHECKING:
    from coopbank.bank.books import Actor
    from coopbank.tui.session import Session

FOLDER = "statements"


@dataclass(slots=True)
class Batch:
    """A batch under way; written by its worker, read by the screen. `stop` is the other way round."""

    month: str
    folder: Path
    failures: list[tuple[str, str]] = field(default_factory=list)
    stop: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """A line of the list: a file, or a statement that could not be made and why."""

    what: str
    failed: bool = False


class StatementsScreen(CounterScreen[None]):
    """A month, a folder, F9."""

    HELP = marked("""# Statements of a month

**F9** makes the statement of everybody who was a member in the month, as PDF, into the folder. Other terminals can
go on meanwhile. **Esc** stops after the one in hand; what is made stays, and making them again writes the same
files anew. One that cannot be made is named, and the rest are made.

One member's own statement: look the member up and press **Ctrl+S**.""")
    COLUMNS: ClassVar[tuple[Column, ...]] = (Column("", 8), Column("", 30, flexible=True))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f9", "make", marked("Make them"), key_display="F9", id="make"),
        Binding("escape", "leave", marked("Stop, back"), key_display="Esc", id="back"),
        HELP_KEY,
        Binding("ctrl+q", "app.leave", marked("Leave"), key_display="Ctrl+Q", id="leave", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._batch: Batch | None = None

    @property
    def posting(self) -> bool:
        """Whether the counter may not be left."""
        return self._batch is not None

    def compose(self) -> ComposeResult:
        yield Banner()
        yield Static(_("Statements of a month"), classes="listing-heading", markup=False)
        with Vertical(id="statements-form"):
            for name, label, value in (("month", _("Month"), self._last_month()), ("folder", _("Folder"), FOLDER)):
                with Horizontal(classes="field-line"):
                    yield Static(label, classes="field-label", markup=False)
                    yield LineInput(value, id=f"statements-{name}", max_length=200)
            yield ProgressBar(id="statements-bar", show_eta=False)
            yield Static("", id="statements-says", markup=False)
        yield RowList(self.COLUMNS, self._cells, heading=False, id="statements-made", faint=lambda made: False)
        yield StatusLine()
        yield KeysLine()

    def _last_month(self) -> str:
        return (self.today.replace(day=1) - timedelta(days=1)).isoformat()[:7]

    def on_mount(self) -> None:
        self.query_one(ProgressBar).display = False
        self.query_one("#statements-month").focus()

    def _cells(self, made: Made) -> tuple[str, str]:
        return (_("FAILED") if made.failed else "✓", made.what)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.focus_next()

    # ------------------------------------------------------------------ making

    def action_make(self) -> None:
        """Begin."""
        if self._batch is not None:
            return
        month, folder = (self.query_one(f"#statements-{name}", LineInput).value.strip() for name in ("month", "folder"))
        if not re.fullmatch(r"[0-9]{4}-?[0-9]{2}", month):
            self.refused(InvalidDate("{month} is not a month.", field="month", month=month,
                                     hint="Write it as YYYY-MM, for example 2026-02."))  # fmt: skip
            return
        self._batch = batch = Batch(f"{month[:4]}-{month[-2:]}", Path(folder or FOLDER))
        self.status.clear()
        self.query_one("#statements-made", RowList).show([])
        bar = self.query_one(ProgressBar)
        bar.display = True
        bar.update(total=None, progress=0)
        self.carry_out(partial(self._work, batch), self._made, self._not_made, hold=False)

    def _work(self, batch: Batch, session: Session) -> list[Path]:
        """In a worker's thread: touches nothing but the batch."""
        from coopbank.statements import make_month

        def failed(member: str, fault: Exception) -> None:
            batch.failures.append((member, str(fault) or type(fault).__name__))

        def progress(done: int, of: int) -> None:
            self.tell("progress", self._come_so_far, (done, of))

        made = make_month(
            session.bank, batch.month, batch.folder, actor=printer_of(session), progress=progress, failed=failed,
            stopped=lambda: batch.stop,
        )  # fmt: skip
        return list(made.files)

    def _come_so_far(self, came: tuple[int, int]) -> None:
        if self._batch is not None and self.is_attached:
            done, of = came
            self.query_one(ProgressBar).update(total=of, progress=done)
            said = _("{done} of {of}").format(done=done, of=of)
            self.query_one("#statements-says", Static).update(Content(said))

    def _made(self, files: list[Path]) -> None:
        batch, self._batch = self._batch, None
        if batch is None or not self.is_attached:
            return
        lines = [Made(f"{member}: {why}", failed=True) for member, why in batch.failures]
        lines += [Made(str(file)) for file in files]
        rows = self.query_one("#statements-made", RowList)
        rows.show(lines)
        rows.focus()
        said = _("{count} statements are in {folder}.").format(count=len(files), folder=batch.folder / batch.month)
        if batch.failures:
            said += " " + _("{count} could not be made; they are named first.").format(count=len(batch.failures))
        if batch.stop:
            said += " " + _("Stopped before the end.")
        self.query_one("#statements-says", Static).update(Content(neat(said)))

    def _not_made(self, fault: CoopbankError) -> None:
        self._batch = None
        if self.is_attached:
            self.query_one(ProgressBar).display = False
            self.refused(fault)

    def action_leave(self) -> None:
        """Stop after the one in hand; if nothing is under way, back."""
        if self._batch is not None:
            self._batch.stop = True
            self.status.say(_("Stopping after the one in hand …"))
        else:
            self.dismiss(None)


def printer_of(session: Session) -> Actor | None:
    """Who has a document recorded; nobody where the books are only read."""
    return None if session.bank.database.read_only else session.actor


def one_statement(member: str, session: Session) -> Path:
    """A member's statement of this month so far, or of the last one if this one has just begun."""
    from coopbank.statements import make

    with session.bank.read() as books:
        today = books.business_date() or session.bank.clock.today()
    first = today.replace(day=1)
    if today.day <= 7:  # the month that has just ended is the one that is asked for
        today = first - timedelta(days=1)
        first = today.replace(day=1)
    made = make(session.bank, "member-statement", member, first, today, actor=printer_of(session), folder=FOLDER)
    return made.path
