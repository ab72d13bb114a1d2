"""The form of any operation: made from its fields, with what it would do shown while one types.

Nothing is posted from here. F9 goes to the review; Enter in a field goes to the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Digits, Static

from coopbank.bank.operation import CATALOGUE, Operation, Receipt
from coopbank.errors import ConnectionLost, CoopbankError
from coopbank.money import denominations, format_amount, parse_typed
from coopbank.tui import queries
from coopbank.tui.forms import FieldSpec, fields_of, read_form
from coopbank.tui.screens.base import ELSEWHERE, HELP_KEY, CounterScreen, StatusLine
from coopbank.tui.screens.confirm import ConfirmScreen
from coopbank.tui.screens.home import LookUpScreen
from coopbank.tui.screens.pick import PickScreen
from coopbank.tui.screens.receipt import ReceiptScreen
from coopbank.tui.screens.review import ReviewScreen, posted_after_all
from coopbank.tui.session import says
from coopbank.tui.show import amount, giving_way, neat, told
from coopbank.tui.steps import STEPS, Row, Shown, Step, step_of
from coopbank.tui.timers import once
from coopbank.tui.widgets.banner import Banner
from coopbank.tui.widgets.effects import stacked
from coopbank.tui.widgets.fields import FieldRow
from coopbank.tui.widgets.keys import KeysLine
from coopbank.tui.widgets.member_card import due_words
from coopbank.tui.widgets.pieces import PiecesRow
from coopbank.tui.widgets.rows import Column, RowList
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.reports.card import CardLoan
    from coopbank.tui.queries import Card

_PAUSE = 0.15  # seconds after the last key before the books are asked what it would do
_SHORT_LIST = 4  # so many options, or fewer, stand on the line itself

#: Counting is blind: what the drawer should hold is not shown before the count is in the review.
BLIND = frozenset({"count-drawer", "close-drawer", "count-petty-cash", "close-petty-cash"})

Options = tuple[tuple[str, str], ...]

SCHEDULE = (
    Column("#", 2, right=True), Column(marked("Due"), 10), Column(marked("Principal"), 9, right=True),
    Column(marked("Interest"), 8, right=True), Column(marked("Payment"), 9, right=True),
    Column(marked("Balance"), 9, right=True),
)  # fmt: skip

_DIGIT = 3  # cells of a large digit; a point or comma has one
_WIDE = 100
"""Columns from which a schedule stands beside what the operation would do."""


def _rarely_filled(row: FieldRow) -> bool:
    """A form that is otherwise filled in does not begin at the resolution, which few operations need."""
    return row.spec.name == "resolution" and not row.spec.required


class EntryScreen(CounterScreen[bool | None]):
    """One operation, filled in. Answers True for the next member, False to stay, None if nothing was posted."""

    HELP = marked("""# Fill in, review, post

**Enter** goes to the next field. On the right stands what the operation would do, as soon as it can be said.
**F9** shows the review; nothing is posted before you confirm it there.

**F2** in a field that names something chooses it from a list; in any other field it looks a member up and
leaves the form as it is. **Esc** leaves the form.

A long form is asked for in **steps**: **F8** and Enter in the last field go on, **F6** goes back; nothing typed is
lost, and what is wrong brings you to its field.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f9", "review", marked("Review"), key_display="F9", id="review"),
        Binding("f2", "choose", marked("Look up"), key_display="F2", id="look-up"),
        Binding("f8", "step(1)", marked("Next step"), key_display="F8", id="next-step"),
        Binding("f6", "step(-1)", marked("Step before"), key_display="F6", id="step-before"),
        Binding("f7", "app.go_to('journal')", marked("Journal"), key_display="F7", id="journal"),
        Binding("pageup", "scroll_form(-1)", marked("Up"), show=False),
        Binding("pagedown", "scroll_form(1)", marked("Down"), show=False),
        Binding("escape", "leave", marked("Back"), key_display="Esc", id="back"),
        HELP_KEY,
        Binding("ctrl+q", "app.leave", marked("Leave"), key_display="Ctrl+Q", id="leave", show=False),
    ]

    def __init__(
        self, name: str, *, card: Card | None, fixed: Mapping[str, str] | None = None,
        suggested: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.cls: type[Operation] = CATALOGUE[name]
        self.card = card
        self._fixed = dict(fixed or {})
        self._suggested = dict(suggested or {})
        if "loan" in self.cls.model_fields and len(self._loans()) == 1:
            self._fixed.setdefault("loan", self._loans()[0].ref)
        self._specs: tuple[FieldSpec, ...] = ()
        self._key = ""
        self._pause: Timer | None = None
        self._reviewing = False
        self._in_review: Operation | None = None
        self._unsure: Operation | None = None  # what the answer was lost of: it may stand in the books
        self._reviewed_once = False  # from then on a refusal brings the hand to its field, in whatever step
        self._steps = STEPS.get(name, ())
        self._rows: list[FieldRow] = []
        self.step = 0

    # ------------------------------------------------------------------ building

    def compose(self) -> ComposeResult:
        self._key = self.session.bank.new_key()
        self._specs = fields_of(self.cls, self.session.currency)
        yield Banner(blind=self.cls.name in BLIND)
        yield Static(self._title(), id="entry-title", markup=False)
        with Horizontal(id="entry"):
            with VerticalScroll(id="entry-form", can_focus=False):
                yield Static(Content(translate(says(self.cls))), id="entry-says", markup=False)
                for spec in self._specs:
                    if self._asked_for(spec):
                        self._rows.append(self._row(spec))
                        yield self._rows[-1]
                yield Static("", id="entry-shown", markup=False)
                yield RowList(SCHEDULE, self._schedule_cells, id="entry-schedule")
            with Vertical(id="entry-side"):
                yield Digits("", id="entry-amount")
                yield Static("", id="entry-effects", markup=False)
        yield StatusLine()
        yield KeysLine()

    def _row(self, spec: FieldSpec) -> FieldRow:
        if spec.kind == "pieces":
            return PiecesRow(spec, "", self._today, currency=self.session.currency)
        return FieldRow(spec, self._start_value(spec), self._today, self._options(spec))

    def _title(self) -> Content:
        title = Content.styled(translate(self.cls.title), "bold")
        if self.card is None:
            known = [f"{spec.label} {self._fixed[spec.name]}" for spec in self._specs if self._fixed.get(spec.name)]
            return Content.assemble(title, "  ", neat(" · ".join(known)))
        parts = [self.card.name, self.card.member]
        loan = next((each for each in self.card.loans if each.ref == self._fixed.get("loan")), None)
        if loan is not None:
            parts.append(f"{loan.ref} {loan.purpose}")
        room = self.app.size.width - cell_len(title.plain) - 5
        return Content.assemble(title, "  ", neat(" · ".join(giving_way(parts, room))))

    def _loans(self) -> Sequence[CardLoan]:
        """The member's loans that this operation can be about."""
        wanted = ("granted", "active") if self.cls.name == "disburse-loan" else ("active", "charged-off")
        return [loan for loan in self.card.loans if loan.state in wanted] if self.card is not None else ()

    @property
    def _today(self) -> date:
        standing = self.counter.standing
        if standing is None:
            return self.session.bank.clock.today()
        return (standing.business_date if standing.day_open else None) or standing.today

    def _asked_for(self, spec: FieldSpec) -> bool:
        """Whether the form asks for it: not what is known from the card, nor a choice of one."""
        if spec.name in self._fixed:
            return False
        if spec.kind == "choice" and len(spec.choices) == 1:
            return False
        if spec.kind == "pieces" and not denominations(self.session.currency):
            return False
        return spec.required or not (spec.ref in ("savings", "bank-account") and len(self._known(spec)) <= 1)

    def _known(self, spec: FieldSpec) -> Options:
        """What the field may name, where that is known without asking the books again."""
        if self.card is not None and spec.ref == "loan":
            return tuple((loan.ref, f"{loan.ref} {loan.purpose}") for loan in self._loans())
        if self.card is not None and spec.ref == "savings":
            return tuple((line.account, line.ref) for line in self.card.savings)
        return tuple((each.ref, f"{each.ref} {each.label}") for each in self.counter.shelves.get(spec.ref, ()))

    def _options(self, spec: FieldSpec) -> Options:
        known = self._known(spec) if spec.kind == "ref" and not spec.many else ()
        if not 1 < len(known) <= _SHORT_LIST:
            return ()
        if spec.required and not self._start_value(spec):
            return (("", _("choose")), *known)  # choosing for somebody is worse than asking
        if not spec.required and not spec.default:
            return (("", _("as it is")), *known)  # nor is a choice made that nobody has to make
        return known

    def _start_value(self, spec: FieldSpec) -> str:
        if spec.name in self._suggested:
            return self._suggested[spec.name]
        known = self._known(spec) if spec.kind == "ref" else ()
        if spec.required and len(known) == 1:
            return known[0][0]
        return spec.default

    def on_mount(self) -> None:
        self.counter.changed.subscribe(self, self._written)
        self.query_one("#entry-amount").display = False
        self._show_step()
        if self.rows:
            self._preview_soon()
        else:
            self.call_after_refresh(self.action_review)

    # -------------------------------------------------------------------- steps

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys between steps are those of forms that have some."""
        if action != "step":
            return True
        place = self.step + int(str(parameters[0]))
        return bool(self._steps) and ((0 <= place < len(self._steps)) or None)

    def action_step(self, by: int) -> None:
        """The step after or before; what was typed stays."""
        if 0 <= self.step + by < len(self._steps):
            self.step += by
            self._show_step()

    def _show_step(self) -> None:
        self._show_relevant()
        for name in ("#entry-shown", "#entry-schedule"):
            self.query_one(name).display = False
        self.query_one("#entry-side").display = True
        if self._steps:
            step = self._steps[self.step]
            head = _("Step {number} of {count}: {title}").format(
                number=self.step + 1, count=len(self._steps), title=translate(step.title)
            )
            self.query_one("#entry-says", Static).update(Content.assemble((head, "bold"), f"\n{translate(step.says)}"))
            self._ask_step(step)
            self.refresh_bindings()
        shown = [row for row in self.rows if row.display]
        first = next((row for row in shown if not row.value and not _rarely_filled(row)), None)
        first = first or next(iter(shown), None)
        if first is not None:
            first.control.focus()
        elif self._steps:
            self.query_one("#entry-schedule").focus()

    def _ask_step(self, step: Step) -> None:
        shows = step.shows
        if shows is None:
            return
        values, faults = self._read()
        if step.fields == frozenset() and faults:
            self._say_below(Shown((self._still_missing(faults),)))
            return
        here, say, refuse = (lambda: self.step), self._say_below, self._refuse_below
        self.ask(
            "step", lambda session: shows(session, values), self.if_still(here, say), self.if_still(here, refuse)
        )  # fmt: skip

    def _refuse_below(self, fault: CoopbankError) -> None:
        self._say_below(Shown((f"! {told(fault)}",)))

    def _say_below(self, shown: Shown) -> None:
        if self.is_attached:
            below, rows = self.query_one("#entry-shown", Static), self.query_one("#entry-schedule", RowList)
            below.update(Content("\n".join(neat(each) for each in shown.sentences)))
            below.display = bool(shown.sentences)
            rows.display = bool(shown.rows)
            rows.show(shown.rows)
            # a schedule needs the whole of a narrow screen: no balance may be cut
            self.query_one("#entry-side").display = not shown.rows or self.size.width >= _WIDE
            if shown.rows:
                rows.focus()

    def action_scroll_form(self, by: int) -> None:
        """Bring into view what stands below the fields."""
        form = self.query_one("#entry-form", VerticalScroll)
        form.scroll_relative(y=by * max(1, form.size.height - 2), animate=False)

    def _schedule_cells(self, row: Row) -> Sequence[str]:
        money = self.session.currency
        return (
            str(row.number), row.due.isoformat(), amount(row.principal, money), amount(row.interest, money),
            amount(row.payment, money), amount(row.balance, money),
        )  # fmt: skip

    def _in_step(self, spec: FieldSpec) -> bool:
        return not self._steps or step_of(self._steps, spec.name) == self.step

    def _to_row(self, row: FieldRow) -> None:
        """Bring the field into sight, whatever its step, and the hand on it."""
        if self._steps and not self._in_step(row.spec):
            self.step = step_of(self._steps, row.spec.name)
            self._show_step()
        row.control.focus()

    # ------------------------------------------------------------------- typing

    @property
    def rows(self) -> list[FieldRow]:
        """The fields, in their order."""
        return self._rows

    def typed(self) -> dict[str, str]:
        """What the fields hold, as typed, and what was known before."""
        return {**self._fixed, **{row.spec.name: row.value for row in self.rows}}

    def on_field_row_edited(self, event: FieldRow.Edited) -> None:
        self.status.clear()
        self._show_relevant()
        if isinstance(event.row, PiecesRow):
            self._count(event.row)
        self._echo(event.row)
        self._preview_soon()

    def on_field_row_left(self, event: FieldRow.Left) -> None:
        self._judge(event.row)
        shown = [row for row in self.rows if row.display]
        place = shown.index(event.row) if event.row in shown else -1
        if place + 1 < len(shown):
            shown[place + 1].control.focus()
        elif self.step + 1 < len(self._steps):
            self.action_step(1)
        else:
            self.status.say(_("That was the last field: F9 shows the review."))

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        row = next((node for node in event.widget.ancestors if isinstance(node, FieldRow)), None)
        if row is not None and not row.refused:
            self._judge(row)

    def _judge(self, row: FieldRow) -> None:
        """Say what is wrong with a field that is being left; an empty one may still be filled."""
        if row.value.strip():
            _values, faults = read_form((row.spec,), self.typed(), self.session.currency, self._today)
            if row.spec.name in faults:
                row.refuse(faults[row.spec.name])

    def _show_relevant(self) -> None:
        typed = self.typed()
        for row in self.rows:
            row.display = row.spec.relevant(typed) and self._in_step(row.spec)

    def _count(self, pieces: PiecesRow) -> None:
        """What the pieces come to is what was counted: the amount of the form."""
        counted = next(row for row in self.rows if row.spec.kind == "money")
        counted.value = format_amount(pieces.total, self.session.currency)

    def _echo(self, row: FieldRow) -> None:
        """The amount, large, as it is understood."""
        if row.spec.kind != "money":
            return
        digits = self.query_one("#entry-amount", Digits)
        try:
            minor = parse_typed(row.value, self.session.currency) if row.value.strip() else 0
        except CoopbankError:
            minor = 0
        shown = amount(minor, self.session.currency) if minor > 0 else ""
        large = sum(1 if each in ",." else _DIGIT for each in shown) <= self.query_one("#entry-side").content_size.width
        digits.display = bool(shown) and large
        digits.update(shown if large else "")
        if shown and not large and not row.refused:
            row.accept(shown)

    # ------------------------------------------------------------------ preview

    def _preview_soon(self) -> None:
        if self._pause is not None:
            self._pause.stop()
        self._pause = once(self, _PAUSE, self._preview)

    def _preview(self) -> None:
        values, faults = self._read()
        if faults or self.cls.name in BLIND:
            self._effects(Text("\n".join((*self._known_facts(), self._still_missing(faults)))))
            return
        name = self.cls.name
        told, refused = self.if_still(self.typed, self._previewed), self.if_still(self.typed, self._preview_refused)
        self.ask("preview", lambda session: session.preview(name, values), told, refused)

    def _read(self) -> tuple[dict[str, Any], dict[str, CoopbankError]]:
        return read_form(self._specs, self.typed(), self.session.currency, self._today)

    def _still_missing(self, faults: Mapping[str, CoopbankError]) -> str:
        if not faults:
            return _("Count first; what the book expects is shown in the review.")
        typed = self.typed()
        found = [spec for spec in self._specs if spec.name in faults]
        missing = ", ".join(spec.label for spec in found if not typed.get(spec.name, "").strip())
        wrong = ", ".join(spec.label for spec in found if typed.get(spec.name, "").strip())
        said = [_("Still needed: {fields}").format(fields=missing)] if missing else []
        return "\n".join([*said, *([_("To be mended: {fields}").format(fields=wrong)] if wrong else [])])

    def _known_facts(self) -> list[str]:
        """What one needs to know before the amount is typed."""
        card, currency = self.card, self.session.currency
        if card is None:
            return []
        if self.cls.name == "withdraw":
            return [
                _("{ref}: {amount} available").format(ref=line.ref, amount=amount(line.available, currency))
                for line in card.savings
            ]
        if "loan" in self.cls.model_fields:
            chosen = self.typed().get("loan")
            return [
                line
                for loan in self._loans()
                if loan.ref == chosen
                for line in (due_words(loan),
                             _("All of it: {amount}").format(amount=amount(loan.payoff, currency)))
            ]  # fmt: skip
        return []

    def _previewed(self, came: tuple[Operation, Receipt]) -> None:
        _operation, receipt = came
        shown = stacked(receipt, self.session.currency)
        if receipt.reason:
            shown.append("\n" + _("Waits for a second person: {why}").format(why=neat(translate(receipt.reason))))
        self._effects(shown)

    def _preview_refused(self, fault: CoopbankError) -> None:
        self._effects(Text(_("Not possible like this."), style="dim"))
        self._refuse(fault)

    def _effects(self, shown: Text) -> None:
        if self.is_attached:
            self.query_one("#entry-effects", Static).update(shown)

    def _refuse(self, fault: CoopbankError) -> FieldRow | None:
        """Say it at the field that it names, or else in the status line."""
        if not self.is_attached:
            return None
        typed = self.typed()
        for row in self.rows:
            if row.spec.name == fault.field and row.spec.relevant(typed):
                row.refuse(fault)
                if row.display:
                    return row
                if self._reviewed_once:
                    self._to_row(row)
                    return row
                break
        self.status.refuse(fault)
        return None

    def _written(self, where: str) -> None:
        """Another terminal wrote: perhaps for this very member. A review that is open looks for itself."""
        if self._unsure is not None:
            self._find_out()
        if where != ELSEWHERE or self._reviewing:
            return
        if self.card is None:
            self._preview_soon()
            return
        member = self.card.member
        self.ask("card", lambda session: queries.card(session, member), self._card_again, self.refused)

    def _card_again(self, card: Card) -> None:
        before, self.card = self.card, card
        if before is None or card.same_as(before):
            return
        said = _("{name} was served at another terminal meanwhile. What you typed is still here.")
        self.status.say(said.format(name=card.name))
        self._preview_soon()

    # ------------------------------------------------------------------- review

    def action_review(self) -> None:
        """Read every field; if all is well, show what would be written."""
        if self._reviewing:
            return
        if self._unsure is not None:
            self._find_out()
            return
        self.status.clear()
        values, faults = self._read()
        for row in self.rows:
            if row.spec.name in faults:
                row.refuse(faults[row.spec.name])
        wrong = next((row for row in self.rows if row.refused and row.spec.name in faults), None)
        self._reviewed_once = True
        if wrong is not None:
            self._to_row(wrong)
            return
        if faults:
            self.status.refuse(next(iter(faults.values())))
            return
        self._reviewing = True
        name = self.cls.name
        self.carry_out(lambda session: session.preview(name, values), self._to_review, self._review_refused)

    def _to_review(self, came: tuple[Operation, Receipt]) -> None:
        operation, receipt = came
        self._previewed(came)
        self._in_review = operation
        screen = ReviewScreen(operation, receipt, self._key, card=self.card)
        self.app.push_screen(screen, self._reviewed)

    def _review_refused(self, fault: CoopbankError) -> None:
        self._reviewing = False
        self._effects(Text(_("Not possible like this."), style="dim"))
        row = self._refuse(fault)
        if row is not None:
            self._to_row(row)

    def _reviewed(self, came: Receipt | CoopbankError | None) -> None:
        self._reviewing = False
        if isinstance(came, Receipt):
            self.app.push_screen(ReceiptScreen(came, card=self.card), self._done)
        elif isinstance(came, ConnectionLost):
            self._unsure = self._in_review
            self._find_out()
        elif came is not None:
            self._review_refused(came)
        elif not self.rows:
            self.dismiss(None)

    def _done(self, next_member: bool | None) -> None:
        self.dismiss(bool(next_member))

    # ------------------------------------------------------- when the answer is lost

    def on_screen_resume(self) -> None:
        """Whoever comes back to the form is told what became of it."""
        if self._unsure is not None:
            self._find_out()

    def _find_out(self) -> None:
        """Look whether what was begun when the connection was lost stands in the books; nothing else goes on before."""
        operation, key = self._unsure, self._key
        if operation is None or self._reviewing or not self.is_current:
            return
        self._reviewing = True
        self.status.keep(
            _("The connection was lost, and whether this was posted is not known yet. Stay here: it is looked up"
              " as soon as the books can be read, and nothing is posted twice.")
        )  # fmt: skip
        self.carry_out(lambda session: posted_after_all(session, operation, key), self._found_out, self._still_unsure)

    def _still_unsure(self, fault: CoopbankError) -> None:
        self._reviewing = False
        self.counter.cannot_look(fault)

    def _found_out(self, receipt: Receipt | None) -> None:
        self._reviewing = False
        if not self.is_current:  # it is told when the hand comes back to the form
            return
        self._unsure = None
        self.status.keep("")
        self.counter.books_changed()
        if receipt is not None:
            self._reviewed(receipt)
            return
        self.status.say(_("The connection was lost before it was posted, and nothing was. F9 shows the review again."))
        self._preview_soon()

    # ------------------------------------------------------------------ leaving

    @property
    def dirty(self) -> bool:
        """Whether something typed would be lost."""
        return any(row.dirty for row in self.rows)

    def action_leave(self) -> None:
        """Back, after asking if something was typed."""
        if not self.dirty and self._unsure is None:
            self.dismiss(None)
            return
        question = _("Leave this form? Nothing was posted, and what you typed will be lost.")
        if self._unsure is not None:
            question = _("Leave this form? It may have been posted: look it up in the journal before you do it again.")
        self.app.push_screen(ConfirmScreen(question, _("Stay in the form"), _("Leave it")), self._answered)

    def _answered(self, go: bool | None) -> None:
        if go:
            self.dismiss(None)

    def action_choose(self) -> None:
        """Choose what this field names, or look a member up."""
        row = next((row for row in self.rows if row.control.has_focus), None)
        if row is None or row.spec.kind != "ref":
            self.app.push_screen(LookUpScreen())
        elif row.spec.ref == "member":
            self.app.push_screen(LookUpScreen(), partial(self._chosen, row))
        else:
            member = self.card.member if self.card is not None else None
            pick = PickScreen(row.spec.label, row.spec.ref, member)
            self.app.push_screen(pick, lambda found: self._chosen(row, found.ref if found is not None else None))

    def _chosen(self, row: FieldRow, ref: str | None) -> None:
        if ref is None:
            return
        if row.spec.many and row.value.strip():
            row.value = f"{row.value.rstrip(', ')}, {ref}"
        else:
            row.value = ref
        row.control.focus()
