"""The review: before and after, the journal lines, and only then Enter posts.

Keys are ignored for the first moment, so that an Enter meant for the form cannot post;
while it is being posted every key is. One key of idempotency belongs to the form, so that
nothing is posted twice however often Enter is pressed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from coopbank.errors import CoopbankError
from coopbank.tui.forms import fields_of
from coopbank.tui.queries import answered
from coopbank.tui.screens.base import ReadFirst, StatusLine
from coopbank.tui.show import neat
from coopbank.tui.widgets.effects import before_after, journal_lines, notes_of, shown_effects
from coopbank.tui.widgets.inputs import LineInput
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.bank.operation import Operation, Receipt
    from coopbank.tui.queries import Card
    from coopbank.tui.session import Session

#: Acts that cannot be taken back by a reversal: the word has to be typed.
WORDS = {"close-day": marked("CLOSE"), "close-month": marked("CLOSE"), "close-year": marked("CLOSE")}


class WordBox(LineInput):
    """Where the word is typed; its Enter is the review's."""


class ReviewScreen(ReadFirst["Receipt | CoopbankError"]):
    """Answers with the receipt, with the refusal, or with None if it was not confirmed."""

    HELP = marked("""# Review

Read it once more: who, what, how much, and what every account holds **before and after**. The journal lines
below are what will stand in the books; their debits equal their credits.

**Enter** posts. **Esc** goes back to the form, with everything still in it.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "post", marked("Post"), key_display="Enter", id="post"),
        Binding("up,pageup", "scroll(-1)", marked("Up"), show=False),
        Binding("down,pagedown", "scroll(1)", marked("Down"), show=False),
    ]

    def __init__(self, operation: Operation, receipt: Receipt, key: str, *, card: Card | None) -> None:
        super().__init__()
        self._operation = operation
        self._receipt = receipt
        self._key = key
        self._card = card
        self.posting = False
        self._word = translate(WORDS.get(operation.name, ""))

    def compose(self) -> ComposeResult:
        currency = self.session.currency
        with Vertical(classes="box wide"):
            yield Static(self._title(), markup=False, classes="box-title")
            with VerticalScroll(can_focus=False):
                if self._receipt.reason:
                    why = _("A second person has to approve it: {why}").format(why=translate(self._receipt.reason))
                    yield Static(Content(neat(why)), markup=False, classes="review-reason")
                if self._receipt.effects:
                    yield Static(before_after(self._receipt, currency), markup=False, classes="review-effects")
                notes = self._notes(currency)
                if notes:
                    yield Static(notes, markup=False, classes="review-notes")
                if not (self._receipt.effects or notes or self._receipt.entries or self._approving):
                    yield Static(self._asked(currency), markup=False, classes="review-notes")
                if self._receipt.entries:
                    yield Static(journal_lines(self._receipt.entries, currency), markup=False, classes="review-lines")
            if self._word:
                yield Static(
                    _("This cannot be undone. Type {word} to go on.").format(word=self._word), markup=False,
                    classes="review-reason",
                )  # fmt: skip
                yield WordBox(max_length=20)
            yield StatusLine()
            yield Static(Content(self._keys()), markup=False, classes="box-keys")

    def on_mount(self) -> None:
        super().on_mount()
        if self._word:
            self.query_one(WordBox).focus()

    def _title(self) -> Content:
        what = _("Approve") if self._approving else _("Review")
        parts: list[str | tuple[str, str]] = [f"{what}: ", (neat(translate(self._receipt.title)), "bold")]
        if self._card is not None:
            parts.append(f"  {neat(self._card.name)} · {neat(self._card.member)}")
        return Content.assemble(*parts)

    def _notes(self, currency: str) -> Content:
        return Content("\n".join(f"{neat(label)}: {neat(value)}" for label, value in notes_of(self._receipt, currency)))

    def _asked(self, currency: str) -> Content:
        """What was filled in, where nothing else tells what is about to be done."""
        document = self._operation.document()
        told = [(spec, document.get(spec.name)) for spec in fields_of(type(self._operation), currency)]
        return Content(
            "\n".join(
                f"{neat(spec.label)}: {neat(answered(spec, value))}"
                for spec, value in told
                if value not in (None, "", [])
            )
        )

    @property
    def _approving(self) -> bool:
        """Whether what is shown is what a colleague asked for."""
        return self._operation.name != self._receipt.kind

    def _keys(self) -> str:
        if self._approving:
            return _("Enter approves and posts · Esc back")
        if self._receipt.reason:
            return _("Enter asks for it · Esc back to the form")
        return _("Enter posts · Esc back to the form")

    # ------------------------------------------------------------------ posting

    def on_input_submitted(self) -> None:
        self.action_post()

    def action_post(self) -> None:
        """Post it, once."""
        if self.posting or self.deaf:
            return
        if self._word and self.query_one(WordBox).value.strip().upper() != self._word:
            self.query_one(StatusLine).refuse(_("Type {word} first, or press Esc.").format(word=self._word))
            return
        self.posting = True
        self.query_one(StatusLine).say(_("Posting …"))
        operation, key, reviewed = self._operation, self._key, self._receipt
        if self._approving:
            self.carry_out(lambda session: session.perform(operation, key), self._posted, self._refused, hold=False)
        else:
            self.carry_out(
                lambda session: post_as_reviewed(session, operation, key, reviewed), self._posted, self._refused,
                hold=False,
            )  # fmt: skip

    def _posted(self, receipt: Receipt) -> None:
        self.posting = False
        if receipt.status == "preview":
            self._receipt = receipt
            self.call_later(self._show_anew)
            return
        self.counter.books_changed()
        self.dismiss(receipt)

    async def _show_anew(self) -> None:
        await self.recompose()
        self.query_one(StatusLine).refuse(
            _("Nothing was posted: another terminal changed these balances meanwhile. Read it once more.")
        )
        if self._word:
            self.query_one(WordBox).focus()
        self.read_again()

    def _refused(self, fault: CoopbankError) -> None:
        self.posting = False
        self.counter.books_changed()
        self.dismiss(fault)

    def action_leave(self) -> None:
        if not self.posting:
            self.dismiss(None)

    def action_scroll(self, by: int) -> None:
        """Read what does not fit."""
        self.query_one(VerticalScroll).scroll_relative(y=by * 3, animate=False)


def post_as_reviewed(session: Session, operation: Operation, key: str, reviewed: Receipt) -> Receipt:
    """Do it, unless it would now do something else than was reviewed: then the new preview comes back.

    That is so when another terminal changed a balance in between. What was done already is never done twice.
    """
    with session.bank.database.read() as tx:
        done = tx.value("SELECT id FROM operation WHERE key = ?", key) is not None
    if not done:
        session.bank.finish_before(session.actor, [operation])  # that it may preview what will then be done
        now = session.bank.preview(session.actor, operation)
        if shown_effects(now) != shown_effects(reviewed):
            return now
    return session.perform(operation, key)


def posted_after_all(session: Session, operation: Operation, key: str) -> Receipt | None:
    """What became of something of which the answer was lost: its receipt, or None if it does not stand in the books.

    Asked as a writer: where the server is still at it, that is waited for.
    """
    with session.bank.database.write() as tx:
        done = tx.value("SELECT id FROM operation WHERE key = ?", key) is not None
    return session.perform(operation, key) if done else None
