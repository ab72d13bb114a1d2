"""The audit desk: prove the books, look at everything, take it along. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import ProgressBar, Static

from coopbank.bank import records
from coopbank.errors import CoopbankError
from coopbank.ledger.verify import CANNOT_EXCLUDE, Verdict, wrong
from coopbank.reports.register import title_of
from coopbank.tui import queries
from coopbank.tui.screens.base import HELP_KEY, CounterModal, CounterScreen, StatusLine
from coopbank.tui.screens.home import FindScreen
from coopbank.tui.screens.listing import ListingScreen
from coopbank.tui.show import neat
from coopbank.tui.widgets.banner import Banner
from coopbank.tui.widgets.inputs import Choice, LineInput
from coopbank.tui.widgets.keys import KeysLine
from coopbank.tui.widgets.rows import Column, RowList
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.tui.queries import Standing
    from coopbank.tui.session import Session

LEAVE = Binding("ctrl+q", "app.leave", marked("Leave"), key_display="Ctrl+Q", id="leave")
BACK = Binding("escape", "leave", marked("Back"), key_display="Esc", id="back")

MOST_REQUESTS: Final = 500


@dataclass(frozen=True, slots=True)
class Desk:
    """A line of the desk: what it is for, and where it leads."""

    title: str
    says: str
    leads: str  # a place, or verify, members, export


DESK: Final = (
    Desk(marked("Prove the books"), marked("every check, from the sealed log alone"), "verify"),
    Desk(marked("Accounts"), marked("the trial balance, down to the entry"), "accounts"),
    Desk(marked("Journal"), marked("every entry, the newest on top"), "journal"),
    Desk(marked("Members"), marked("shares, savings, loans, passbook"), "members"),
    Desk(marked("Funds and loans"), marked("what each fund has, how late loans are"), "portfolio"),
    Desk(marked("Requests and approvals"), marked("who asked, who approved, who refused"), "requests"),
    Desk(marked("Who works here"), marked("users, their roles, and what these may do"), "people"),
    Desk(marked("What the bank decided"), marked("its limits and settings, and since when"), "rules"),
    Desk(marked("Take it along"), marked("files that other programs can check"), "export"),
)


class AuditScreen(CounterScreen[None]):
    """The list of what an auditor does, and the head of the chain."""

    HELP = marked("""# The audit desk

Nothing here changes anything. **Enter** opens a line: prove the books from the sealed log alone; look at accounts,
journal, members, loans, requests and people, down to each operation and its place in the chain; write the books as
files that beancount, hledger or a script of yours can check.

The **head of the chain** is a number and a hash. Compare it with one that was printed on a receipt or kept
elsewhere: only so can it be seen that nothing was cut off or put back.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", marked("Open"), key_display="Enter", id="open"), BACK, HELP_KEY, LEAVE,
    ]  # fmt: skip

    def compose(self) -> ComposeResult:
        yield Banner()
        yield Static(_("Audit desk"), classes="listing-heading", markup=False)
        yield RowList(
            (Column("", 27), Column("", 20, flexible=True)),
            lambda line: (translate(line.title), translate(line.says)), heading=False, id="audit-desk",
        )  # fmt: skip
        yield Static("", id="audit-head", markup=False)
        yield StatusLine()
        yield KeysLine()

    def on_mount(self) -> None:
        rows = self.query_one("#audit-desk", RowList)
        rows.show(DESK)
        rows.focus()
        self.counter.stands.subscribe(self, self._stood)
        if self.counter.standing is not None:
            self._stood(self.counter.standing)

    def _stood(self, standing: Standing) -> None:
        text = Text()
        text.append(f"{_('Head of the chain')}  ", style="dim")
        text.append(f"{standing.head_number}  {standing.head_hash}\n", style="bold")
        reading = self.session.reading
        if reading is not None and reading.is_copy:
            text.append(_("You look at a copy that was made when the counter was opened; it stands still."))
        elif reading is not None:
            text.append(_("The file is read where it lies; nobody can write there."))
        self.query_one("#audit-head", Static).update(text)

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        leads = event.item.leads
        if leads == "verify":
            self.app.push_screen(VerifyScreen())
        elif leads == "members":
            self.app.push_screen(MembersScreen())
        elif leads == "export":
            self.app.push_screen(ExportScreen())
        else:
            self.counter.action_go_to(leads)

    def action_open(self) -> None:
        """Open the line under the cursor."""
        self.query_one("#audit-desk", RowList).action_choose()

    def action_leave(self) -> None:
        """Back; of books that are only read this is the first screen."""
        if self.session.read_only:
            self.counter.action_leave()
        else:
            self.dismiss(None)


class MembersScreen(FindScreen):
    """Look members up; serve nobody."""

    HELP = marked("""# Members

Type a **name**, a member **number**, a **loan** number, a **telephone** number or a receipt (`#123`). Tab goes to
what they have and owe, and to their passbook; **Enter** there opens what stands behind the figure. **Ctrl+L** opens
their loan.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+l", "loan", marked("Look at the loan"), key_display="Ctrl+L", id="loan"), BACK, HELP_KEY, LEAVE,
    ]  # fmt: skip

    def action_leave(self) -> None:
        """Back to the desk."""
        self.dismiss(None)


# ------------------------------------------------------------------------------ proving


class VerifyScreen(CounterScreen[None]):
    """Every named check with its verdict; what is found can be opened."""

    HELP = marked("""# Prove the books

Everything is recomputed from the sealed log alone: each hash, each balance, each split of a payment. Every check is
named, with how many things it found. **Enter** on a check shows them, and Enter there the operation concerned.

What no check can exclude without a head of the chain from elsewhere stands below.""")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column(marked("Verdict"), 8), Column(marked("Check"), 14), Column(marked("Found"), 6, right=True),
        Column(marked("What it proves"), 20, flexible=True),
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "again", marked("Once more"), key_display="F5", id="again"), BACK, HELP_KEY, LEAVE,
    ]  # fmt: skip

    def compose(self) -> ComposeResult:
        yield Banner()
        yield Static(_("Proving the books …"), id="verify-says", classes="listing-heading", markup=False)
        yield ProgressBar(id="verify-bar", show_eta=False)
        yield RowList(self.COLUMNS, self._cells, id="verdicts", empty=_("Reading the log …"))
        yield Static("", id="verify-cannot", markup=False)
        yield StatusLine()
        yield KeysLine()

    def on_mount(self) -> None:
        self.query_one("#verdicts").focus()
        self.action_again()

    def action_again(self) -> None:
        """Prove them once more."""
        if not self.asking("verify"):
            self.query_one("#verify-says", Static).update(_("Proving the books …"))
            self.query_one("#verify-bar").display = True
            self.ask("verify", self._work, self._show, self.refused)

    def _work(self, session: Session) -> list[Verdict]:
        """In a worker's thread."""
        from coopbank.bank.verify import verify

        last = queries.head_number(session)
        step = max(1, last // 100)

        def progress(number: int) -> None:
            if number % step == 0:
                self.tell("", self._come_so_far, (number, last))

        return session.read_at_length(lambda bank: verify(bank.database, (), progress, keys=bank.keys))

    def _come_so_far(self, came: tuple[int, int]) -> None:
        if self.is_attached:
            self.query_one(ProgressBar).update(progress=came[0], total=came[1])

    def _show(self, verdicts: list[Verdict]) -> None:
        if not self.is_attached:
            return
        found = len(wrong(verdicts))
        said = (
            _("The books are wrong: {count} findings. Enter shows them.").format(count=found)
            if found
            else _("The books are right: {count} checks found nothing wrong.").format(count=len(verdicts))
        )
        self.query_one("#verify-says", Static).update(Content.styled(said, "bold"))
        self.query_one("#verify-bar").display = False
        ordered = sorted(verdicts, key=lambda each: not (each.count and not each.informational))
        self.query_one("#verdicts", RowList).show(ordered)
        cannot = "; ".join(translate(each) for each in CANNOT_EXCLUDE)
        says = _("Without a head from elsewhere this cannot exclude: {what}.").format(what=cannot)
        self.query_one("#verify-cannot", Static).update(Content(says))

    def _cells(self, verdict: Verdict) -> Sequence[str]:
        state = _("right") if not verdict.count else _("told") if verdict.informational else _("WRONG")
        return (state, verdict.name, str(verdict.count or ""), translate(verdict.why))

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        self.app.push_screen(FindingsScreen(event.item))

    def action_leave(self) -> None:
        """Back; a proof that is under way ends unseen."""
        self.dismiss(None)


class FindingsScreen(CounterModal[None]):
    """What one check found."""

    HELP = marked("""# What a check found

Each thing in a sentence; **Enter** opens the operation concerned, where there is one.""")

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        self._verdict = verdict

    def compose(self) -> ComposeResult:
        with Vertical(classes="box wide tall"):
            yield Static(Content.styled(self._verdict.name, "bold"), markup=False, classes="box-title")
            yield Static(Content(translate(self._verdict.why)), markup=False)
            yield RowList(
                (Column("", 8, right=True), Column("", 20, flexible=True)),
                lambda found: (str(found.operation or ""), found.message), heading=False, id="findings",
                empty=_("It found nothing."),
            )  # fmt: skip
            yield Static(Content(_("Enter opens the operation · Esc back")), markup=False, classes="box-keys")

    def on_mount(self) -> None:
        rows = self.query_one("#findings", RowList)
        rows.show(self._verdict.findings)
        rows.focus()

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        if event.item.operation is not None:
            self.counter.open_operation(event.item.operation)


# ------------------------------------------------------------------------------ requests


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, whatever became of it."""

    ref: str
    title: str
    asked_by: str
    asked_on: str
    state: str
    decided_by: str
    reason: str
    why: str


def requests(session: Session) -> tuple[Asked, ...]:
    """The newest requests, whatever became of them."""
    with session.bank.read() as books:
        refs = books.tx.rows(
            "SELECT ref FROM record WHERE kind = ? AND version = 1 ORDER BY length(ref) DESC, ref DESC LIMIT ?",
            records.Request.kind, MOST_REQUESTS,
        )  # fmt: skip
        found = [(ref, books.get(records.Request, ref)) for (ref,) in refs]
    return tuple(
        Asked(
            ref, title_of(body.operation), body.asked_by, body.asked_on, translate(body.state), body.decided_by or "",
            translate(body.reason), body.why or "",
        )
        for ref, body in found
    )  # fmt: skip


class RequestsScreen(ListingScreen[Asked]):
    """Who asked for what, and what became of it."""

    HELP = marked("""# Requests and approvals

What two people did together, the newest on top: who asked, when, why it takes two, who approved or refused it.""")
    HEADING = marked("Requests and approvals")
    EMPTY = marked("Nothing was asked for yet.")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column(marked("Request"), 8), Column(marked("What"), 16, flexible=True), Column(marked("Asked by"), 9),
        Column(marked("On"), 10), Column(marked("State"), 9), Column(marked("Decided by"), 10),
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [BACK, HELP_KEY, LEAVE]

    @staticmethod
    def question(session: Session) -> Sequence[Asked]:
        return requests(session)

    def cells(self, item: Asked) -> Sequence[str]:
        return (item.ref, item.title, item.asked_by, item.asked_on, item.state, item.decided_by)

    def detail(self, item: Asked) -> Text:
        text = Text.assemble((neat(f"{item.ref}  {item.title}"), "bold"), "\n", neat(item.reason), "\n")
        if item.why:
            text.append(f"\n{_('Why')}: {neat(item.why)}")
        return text


# ------------------------------------------------------------------------------ exports


class ExportScreen(CounterScreen[None]):
    """The books as files."""

    HELP = marked("""# Take it along

**beancount** and **hledger** are accounting programs that prove the books in their own way; **jsonl** is the sealed
log itself, an operation a line, each line exactly the text that was hashed. **F9** writes the files into the
folder.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f9", "write", marked("Write them"), key_display="F9", id="write"), BACK, HELP_KEY, LEAVE,
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._busy = False

    def compose(self) -> ComposeResult:
        from coopbank.exchange.exports import FORMATS

        yield Banner()
        yield Static(_("Take it along"), classes="listing-heading", markup=False)
        with Vertical(id="statements-form"):
            with Horizontal(classes="field-line"):
                yield Static(_("Form"), classes="field-label", markup=False)
                yield Choice(tuple((name, name) for name in FORMATS), id="export-format")
            with Horizontal(classes="field-line"):
                yield Static(_("Folder"), classes="field-label", markup=False)
                yield LineInput("", placeholder=_("where the files go"), id="export-folder", max_length=200)
        yield RowList((Column("", 30, flexible=True),), lambda file: (str(file),), heading=False, id="export-files")
        yield StatusLine()
        yield KeysLine()

    def on_mount(self) -> None:
        self.query_one("#export-format").focus()

    def on_choice_submitted(self) -> None:
        self.focus_next()

    def on_input_submitted(self) -> None:
        self.status.say(_("F9 writes the files."))

    def action_write(self) -> None:
        """Write the files."""
        folder = self.query_one("#export-folder", LineInput)
        if self._busy:
            return
        if not folder.value.strip():
            self.status.refuse(_("Name a folder first."))
            folder.focus()
            return
        self._busy = True
        self.status.say(_("Writing …"))
        form = self.query_one("#export-format", Choice).value
        self.carry_out(partial(_write, form, folder.value.strip()), self._written, self._not_written, hold=False)

    def _written(self, files: list[Path]) -> None:
        self._busy = False
        if self.is_attached:
            self.status.say(_("{count} files were written.").format(count=len(files)))
            self.query_one("#export-files", RowList).show(files)

    def _not_written(self, fault: CoopbankError) -> None:
        self._busy = False
        self.refused(fault)

    def action_leave(self) -> None:
        """Back to the desk."""
        self.dismiss(None)


def _write(form: str, folder: str, session: Session) -> list[Path]:
    from coopbank.exchange import export

    return export(session.bank, form, folder)
