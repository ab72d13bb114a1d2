"""The counter as an application: the screens' common ground.

It paints the sign-in screen at once and opens the books in a thread behind it. What every
screen needs to know (where the bank stands, what fields may name) is read here once, after
every change, and told to all by signals.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.reactive import Initialize, Reactive
from textual.screen import Screen
from textual.signal import Signal
from textual.theme import Theme
from textual.timer import Timer

from coopbank.errors import CoopbankError
from coopbank.tui import settings
from coopbank.tui.commands import CounterCommands
from coopbank.tui.places import Place, place
from coopbank.tui.screens.base import AGAIN, ELSEWHERE, HERE, StatusLine
from coopbank.tui.screens.confirm import ConfirmScreen
from coopbank.tui.screens.lock import LockScreen
from coopbank.tui.screens.sign_in import SignInScreen
from coopbank.tui.themes import THEMES
from coopbank.tui.typeahead import TypeAhead
from coopbank.tui.work import AsksBooks, program_fault
from coopbank.words import _, marked, set_institution_kind, set_language

if TYPE_CHECKING:
    from textual.driver import Driver

    from coopbank.clock import Clock
    from coopbank.tui.loans import LoanView
    from coopbank.tui.queries import Card, Reference, Seen, Standing
    from coopbank.tui.screens.home import HomeScreen
    from coopbank.tui.session import Power, Session

T = TypeVar("T")

_STYLES: Final = Path(__file__).absolute().with_name("counter.tcss")
_THEMES: Final = {theme.name: theme for theme in THEMES}
LOOK_SECONDS = 5.0  # how often we look whether another terminal did something


class Counter(AsksBooks, TypeAhead):
    """The terminal counter."""

    TITLE = "coopbank"
    #: Begun with, not set later: a theme that changes has the whole sheet of styles read once more.
    theme: Reactive[str] = Reactive(Initialize(attrgetter("settings.theme")))
    CSS_PATH = "sign_in.tcss"
    COMMANDS: ClassVar[set[Any]] = {CounterCommands}
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (30, "-high")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "leave", marked("Leave"), key_display="Ctrl+Q", show=False, priority=True, id="quit"),
    ]

    def __init__(
        self, place: str, user: str | None = None, *, clock: Clock | None = None, read_only: bool = False,
        read_place: str | None = None,
    ) -> None:  # fmt: skip
        self.settings = settings.load()  # first: they say in which colours everything begins
        super().__init__()
        self._read_only = read_only
        self._read_place = read_place  # a replica of the server, for what is long to read
        self._came_from: str | None = None  # the books that practice was opened from
        self._place = place
        self._user = user
        self.clock = clock  # None: the machine's own
        self.opened: Session | None = None
        self.failed: CoopbankError | None = None
        self.standing: Standing | None = None
        self.shelves: dict[str, tuple[Reference, ...]] = {}  # what fields may name, where there are few
        self.animation_level = "none"
        set_language(self.settings.language)
        self.changed: Signal[str] = Signal(self, "books-changed")
        self.stands: Signal[Standing] = Signal(self, "standing")
        self._head = 0
        self._unread: list[tuple[StatusLine, str]] = []  # lines that say that the books cannot be read, and how
        self._looking: Timer | None = None
        self._ahead: HomeScreen | None = None  # the counter itself, made while the first person types
        self._making = 0  # counters that are being made,
        self._when_made: list[Callable[[], object]] = []  # and what waits for them: half made, they miss their books

    def get_driver_class(self) -> type[Driver]:
        """Ours in place of the one for Unix."""
        found = super().get_driver_class()
        if found.__name__ != "LinuxDriver":
            return found
        from coopbank.tui.driver import SteadyDriver

        return SteadyDriver

    @property
    def available_themes(self) -> dict[str, Theme]:
        return {**super().available_themes, **_THEMES}

    def get_theme(self, theme_name: str) -> Theme | None:
        """A theme by its name; asked for at every rule of the styles, and for each it would read the list of all."""
        return _THEMES.get(theme_name) or super().get_theme(theme_name)

    # ------------------------------------------------------------------ opening

    def push_screen(self, screen: Any, *args: Any, **kwargs: Any) -> Any:
        """Show a screen."""
        self._begin_with(screen)
        return super().push_screen(screen, *args, **kwargs)

    def _begin_with(self, screen: Screen[Any]) -> None:
        """What a screen has to know before it is made.

        It and all that is in it speak as this kind of institution does: tasks inherit the words. And it knows how wide
        and high it will be; told later, as Textual does, all that is in it would be styled and laid out once more.
        """
        if not isinstance(screen, SignInScreen):
            self._read_styles()
        if self.opened is not None:
            set_institution_kind(self.opened.welcome.institution_kind)
        for size, breakpoints in (
            (self.size.width, self.HORIZONTAL_BREAKPOINTS),
            (self.size.height, self.VERTICAL_BREAKPOINTS),
        ):
            screen.set_class(False, *(name for _least, name in breakpoints), update=False)
            screen.set_class(True, *screen._get_breakpoint_classes(size, breakpoints), update=False)

    def _read_styles(self) -> None:
        """Read how all screens but the first one look, if that was not done."""
        if not self.stylesheet.has_source(str(_STYLES)):
            self.stylesheet.read(_STYLES)
            self.stylesheet.parse()

    @property
    def session(self) -> Session:
        """The open books."""
        if self.opened is None:
            raise RuntimeError("the books are not open yet")
        return self.opened

    def on_mount(self) -> None:
        if "://" not in self._place and not Path(self._place).exists():
            from coopbank.tui.screens.first_run import FirstRunScreen

            self.push_screen(FirstRunScreen(self._place))
            return
        self.push_screen(SignInScreen(self._user))
        self.call_after_refresh(self._open_books)

    def open_place(self, place: str, user: str | None = None) -> None:
        """Other books, from their sign-in on."""
        if self._making:
            self._when_made.append(partial(self.open_place, place, user))
            return
        if self._looking is not None:
            self._looking.stop()
        if self.opened is not None:
            self.opened.close()
        self._drop_ahead()
        self.opened, self.failed, self.standing = None, None, None
        self._place = place
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.push_screen(SignInScreen(user))
        self.call_after_refresh(self._open_books)

    def practise(self, progress: Callable[[int, int], None], failed: Callable[[CoopbankError], None]) -> None:
        """Open the practice bank beside these books; it is made if there is none."""
        from coopbank.tui.screens.first_run import PRACTICE

        place = PRACTICE if "://" in self._place else str(Path(self._place).with_name(PRACTICE))
        real = self._place if self.opened is not None else None

        def make() -> None:
            from coopbank.clock import SystemClock
            from coopbank.practice import make_practice

            if not Path(place).exists():
                today = (self.clock or SystemClock()).today()
                make_practice(place, today, lambda done, of: self.call_from_thread(progress, done, of))

        def made(_nothing: None) -> None:
            self._came_from = real
            self.open_place(place, "pat")

        self.in_background(make, made, failed)

    def in_background(
        self, work: Callable[[], T], then: Callable[[T], None], failed: Callable[[CoopbankError], None]
    ) -> None:
        """Work in a thread that asks no open books; answered in the application."""

        def run() -> None:
            try:
                value = work()
            except CoopbankError as fault:
                self.call_from_thread(failed, fault)
            except Exception as fault:
                self.call_from_thread(failed, program_fault(fault))
            else:
                self.call_from_thread(then, value)

        self.in_thread(run)

    def other_language(self) -> None:
        """From English to Spanish and back."""
        own = self.settings
        self.settings = replace(own, language="en" if own.language == "es" else "es")
        self.settle()

    def action_guide(self) -> None:
        """Show the guide of the practice bank, or hide it."""
        self.settings = replace(self.settings, guide=not self.settings.guide)
        self.settle()
        self.books_changed()

    def _open_books(self) -> None:
        place = self._place

        def work() -> None:
            try:
                from coopbank.tui.session import Session

                session = Session(place, clock=self.clock, read_only=self._read_only, read_place=self._read_place)
            except CoopbankError as fault:
                self.call_from_thread(self._not_opened, place, fault)
            except Exception as fault:
                self.call_from_thread(self._not_opened, place, program_fault(fault))
            else:
                self.call_from_thread(self._opened, session)
                _load_screens()
                self.call_from_thread(self._begin_ahead, session)

        self.in_thread(work)

    def in_thread(self, work: Callable[[], None]) -> None:
        """Run it in a thread of the application: it outlives the screen that asked."""
        self.run_worker(work, thread=True, exit_on_error=False, exclusive=False, description="books")

    def _opened(self, session: Session) -> None:
        if session.place != self._place or not self.is_running or self._exit:
            session.close()  # meanwhile others were asked for, or nobody is there any more
            return
        self.opened = session
        for screen in self.screen_stack:
            if isinstance(screen, SignInScreen):
                screen.welcomed(session)
        if session.read_only:
            self.signed_in()

    def _begin_ahead(self, session: Session) -> None:
        """Make the counter itself while somebody types: out of sight, with nothing of the books on it."""
        if not session.read_only and self._ahead is None and self._waits_for(session):
            self.run_worker(self._make_ahead(session), exit_on_error=False, description="home")

    async def _make_ahead(self, session: Session) -> None:
        if not self._waits_for(session):
            return
        self._making += 1
        try:
            await self._made_ahead(session)
        finally:
            self._making -= 1
            while self._when_made and not self._making:
                self._when_made.pop(0)()

    async def _made_ahead(self, session: Session) -> None:
        from coopbank.tui.screens.home import HomeScreen

        home, words = HomeScreen(), self.settings.language
        self._begin_with(home)
        _home, mounted = self._get_screen(home)
        await mounted
        home.call_later(home._refresh_layout, self.size)
        if self._ahead is None and self._waits_for(session) and self.settings.language == words:
            self._ahead = home
        else:
            home.remove()

    def _waits_for(self, session: Session) -> bool:
        """Whether these are the books, and nobody is signed in to them yet."""
        return self.opened is session and not session.actor.user and self.is_running and not self._exit

    def _take_ahead(self) -> HomeScreen | None:
        home, self._ahead = self._ahead, None
        return home

    def _drop_ahead(self) -> None:
        """What was made ahead is of other books, or in other words."""
        home = self._take_ahead()
        if home is not None:
            home.remove()

    def _not_opened(self, place: str, fault: CoopbankError) -> None:
        if place != self._place:
            return
        self.failed = fault
        for screen in self.screen_stack:
            if isinstance(screen, SignInScreen):
                screen.not_opened(fault)

    def signed_in(self, seen: Seen | None = None) -> None:
        """Somebody stands at the counter; what every screen shows may have been read with their sign-in."""
        from coopbank.tui.screens.home import HomeScreen

        self.standing = None
        home = self._take_ahead()
        if seen is not None:
            self._shelved(seen.shelves)
            self._stands(seen.standing)
        if not self.session.read_only:
            self.push_screen(home or HomeScreen())
            self._looking = self.set_interval(LOOK_SECONDS, self._look, name="look")
        if self.session.actor.must_change:  # somebody else knows their passphrase
            from coopbank.tui.screens.passphrase import PassphraseScreen

            self.push_screen(PassphraseScreen(), lambda _done: self._codes_first())
        elif self.session.must_begin_code:
            self.begin_codes()
        elif not self.session.powers:  # an auditor, or books that are only read
            self.action_go_to("audit")
        if seen is None:
            self.books_changed()
        else:
            self.changed.publish(HERE)

    def exit(self, *args: Any, **kwargs: Any) -> None:
        """Out of the program, once what was begun ahead is made: torn down in the middle it would fail."""
        if self._making:
            self._when_made.append(partial(super().exit, *args, **kwargs))
        else:
            super().exit(*args, **kwargs)

    def on_unmount(self) -> None:
        if self.opened is not None:
            self.opened.close()

    # ------------------------------------------------------- where the bank stands

    def books_changed(self, where: str = HERE) -> None:
        """Something was written, here or elsewhere: read again what every screen shows."""
        from coopbank.tui import queries

        self.ask("standing", queries.standing, self._stands, self.cannot_look)
        self.ask("shelves", queries.shelves, self._shelved, self.cannot_look)
        self.changed.publish(where)

    def _stands(self, standing: Standing) -> None:
        self._head = standing.head_number
        self.standing = standing
        self.stands.publish(standing)

    def _shelved(self, shelves: dict[str, tuple[Reference, ...]]) -> None:
        self.shelves = shelves

    def _refused(self, fault: CoopbankError) -> None:
        for line in self.screen.query(StatusLine):
            line.refuse(fault)

    def cannot_look(self, fault: CoopbankError) -> None:
        """The books cannot be read: said on the screen until they can be."""
        self._refused(fault)
        for line in self.screen.query(StatusLine):
            if (line, line.said) not in self._unread:
                self._unread.append((line, line.said))

    def _look(self) -> None:
        from coopbank.tui import queries

        self._lock_when_idle()
        self.ask("look", queries.head_number, self._looked, self.cannot_look)

    def _looked(self, head: int) -> None:
        unread, self._unread = self._unread, []
        for line, said in unread:  # what a screen says is so now: it may stand there for long
            if line.is_attached and line.said == said:
                line.say(_("The books can be read again."))
        if head != self._head:
            self._head = head
            self.books_changed(ELSEWHERE)
        elif unread:
            self.books_changed(AGAIN)

    # ------------------------------------------------------------------ going places

    def fill_in(
        self, name: str, card: Card | None = None, *, fixed: dict[str, str] | None = None,
        suggested: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        """The form of an operation, for a member if one is being served."""
        from coopbank.bank.operation import CATALOGUE
        from coopbank.tui.screens.entry import EntryScreen

        known = dict(fixed or {})
        fields = CATALOGUE[name].model_fields
        about = card if card is not None and ("member" in fields or "loan" in fields) else None
        if about is not None and "member" in fields:
            known.setdefault("member", about.member)
        self.push_screen(EntryScreen(name, card=about, fixed=known, suggested=suggested), self._filled_in)

    def _filled_in(self, next_member: bool | None) -> None:
        from coopbank.tui.screens.home import HomeScreen
        from coopbank.tui.screens.loan import LoanScreen

        if next_member is not None and isinstance(self.screen, HomeScreen):
            self.screen.served(next_member=next_member)
        elif next_member and isinstance(self.screen, LoanScreen):
            self.screen.served()

    def more(self, card: Card | None) -> None:
        """The list of every place, and of every operation that the actor may do."""
        from coopbank.tui.screens.more import MoreScreen

        def chosen(what: Place | Power | None) -> None:
            if isinstance(what, Place):
                self.action_go_to(what.name)
            elif what is not None:
                self.fill_in(what.name, card)

        self.push_screen(MoreScreen(card), chosen)

    def do_operation(self, name: str) -> None:
        """An operation that was chosen by name."""
        from coopbank.tui.screens.home import FindScreen

        card = next((screen.card for screen in reversed(self.screen_stack) if isinstance(screen, FindScreen)), None)
        self.fill_in(name, card)

    def open_entry(self, number: int) -> None:
        """An entry, down to its operation and its place in the chain."""
        from coopbank.tui.screens.journal import EntryDetailScreen

        self.push_screen(EntryDetailScreen(number))

    def open_account(self, fund: str, code: str) -> None:
        """The lines of one part of an account."""
        from coopbank.tui.screens.accounts import RegisterScreen

        self.push_screen(RegisterScreen(fund, code))

    def open_what(self, opens: tuple[str, ...]) -> None:
        """What stands behind a figure: see `Holding.opens`."""
        kind, *rest = opens
        if kind == "account":
            self.open_account(*rest)
        elif kind == "loan":
            self.open_loan(*rest)
        elif kind == "operation":
            self.open_operation(int(rest[0]))
        elif kind == "equity":
            self.open_equity(*rest)
        else:
            self.action_go_to(*rest)

    def open_operation(self, number: int) -> None:
        """An operation, down to what was asked and its place in the chain."""
        from coopbank.tui.screens.accounts import OperationScreen

        self.push_screen(OperationScreen(number))

    def open_equity(self, member: str) -> None:
        """What a member owns of the co-operative."""
        from coopbank.tui.screens.equity import EquityScreen

        self.push_screen(EquityScreen(member))

    def open_loan(self, ref: str) -> None:
        """A loan whole; refused where one stands if there is none of that number."""
        from coopbank.tui import loans

        self.carry_out(lambda session: loans.loan_view(session, ref), self._loan_came, self._refused)

    def _loan_came(self, view: LoanView) -> None:
        from coopbank.tui.screens.loan import LoanScreen

        self.push_screen(LoanScreen(view), self._filled_in)

    def action_go_to(self, name: str) -> None:
        """One of the places of `places.py`."""
        self.push_screen(place(name).make())

    def action_help(self) -> None:
        """Help for the screen that is seen."""
        from coopbank.tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    async def action_quit(self) -> None:
        self.action_leave()

    def action_leave(self) -> None:
        """Leave the counter; asks first when something would be lost or a drawer stays open."""
        if any(getattr(screen, "posting", False) for screen in self.screen_stack):
            return
        if isinstance(self.screen, ConfirmScreen):
            return
        question = self._before_leaving()
        if question is None:
            self._go()
        else:
            ask = ConfirmScreen(question, _("Stay"), _("Leave"))
            self.push_screen(ask, lambda go: self._go() if go else None)

    def _go(self) -> None:
        """Out of the program; out of practice back to the books that it was opened from."""
        if self._came_from is not None:
            place, self._came_from = self._came_from, None
            self.open_place(place)
        else:
            self.exit(0)

    def _before_leaving(self) -> str | None:
        if any(getattr(screen, "dirty", False) for screen in self.screen_stack):
            return _("Leave the counter? A form is filled in and not posted; it will be lost.")
        standing = self.standing
        if standing is not None and standing.mine is not None:
            return _("Leave the counter? Your drawer {drawer} is still open; it stays yours.").format(
                drawer=standing.mine.ref
            )
        return None

    @property
    def at_home(self) -> bool:
        """Whether nothing lies over the counter itself, or over the audit desk, but the palette that asks."""
        from coopbank.tui.screens.audit import AuditScreen
        from coopbank.tui.screens.home import HomeScreen

        below = next(each for each in reversed(self.screen_stack) if not isinstance(each, CommandPalette))
        return self.opened is not None and isinstance(below, (HomeScreen, AuditScreen))

    def sign_out(self) -> None:
        """The next person signs in."""
        if self.at_home:
            self.to_sign_in()

    def to_sign_in(self) -> None:
        """Back to the first screen; what is on the others is lost."""
        if self._looking is not None:
            self._looking.stop()
        self.session.sign_out()
        self.standing = None
        self._down_to_sign_in()
        if isinstance(self.screen, SignInScreen):
            self.screen.action_clear()
        self.call_after_refresh(self._begin_ahead, self.session)

    def home_anew(self) -> None:
        """The counter, made anew: in another language, say."""
        from coopbank.tui.screens.home import HomeScreen

        self._down_to_sign_in()
        self.push_screen(HomeScreen())

    def _down_to_sign_in(self) -> None:
        while len(self.screen_stack) > 1 and not isinstance(self.screen, SignInScreen):
            self.pop_screen()

    # ------------------------------------------------------------- settings, and the lock

    def settle(self) -> bool:
        """Bring the settings into force; whether they could be kept."""
        from coopbank.tui.screens.first_run import FirstRunScreen

        set_language(self.settings.language)
        self.theme = self.settings.theme
        self._drop_ahead()
        if self.opened is not None:
            self.call_after_refresh(self._begin_ahead, self.opened)
        for screen in self.screen_stack:
            if isinstance(screen, (SignInScreen, FirstRunScreen)):
                screen.reword()
        return settings.save(self.settings)

    @property
    def locked(self) -> bool:
        """Whether the terminal waits for its person."""
        return any(isinstance(screen, LockScreen) for screen in self.screen_stack)

    def _lock_when_idle(self) -> None:
        minutes = self.settings.lock_minutes
        posting = any(getattr(screen, "posting", False) for screen in self.screen_stack)
        if minutes and self.idle_seconds >= minutes * 60 and not posting:
            self.lock()

    def lock(self) -> None:
        """Cover everything until the passphrase is typed."""
        if self.opened is not None and self.session.actor.user and not self.locked:
            self.push_screen(LockScreen())

    def action_command_palette(self) -> None:
        if not self.locked:
            super().action_command_palette()

    def action_practise(self) -> None:
        """From the real books to the practice bank; leaving it comes back."""
        line = self.screen.query_one(StatusLine)
        line.say(_("Making the practice bank …"))
        self.practise(lambda done, of: line.say(_("Making the practice bank …") + f" {done}/{of}"), line.refuse)

    def set_passphrase(self) -> None:
        """Somebody's new passphrase."""
        from coopbank.tui.screens.passphrase import PassphraseScreen

        self.push_screen(PassphraseScreen())

    def _codes_first(self) -> None:
        if self.session.must_begin_code:
            self.begin_codes()

    def begin_codes(self) -> None:
        """One-time codes for whoever is signed in."""
        from coopbank.tui.screens.codes import CodesScreen

        self.push_screen(CodesScreen())

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        if self.at_home:
            yield SystemCommand(_("Sign out"), _("The next person signs in"), self.sign_out)
            if self.session.guided:
                yield SystemCommand(_("Guide"), _("Show or hide the guide of the practice bank"), self.action_guide)
            else:
                yield SystemCommand(_("Practise"), _("Open the practice bank, where nothing counts"),
                                    self.action_practise)  # fmt: skip
            yield SystemCommand(_("Lock"), _("Cover the screen until you are back"), self.lock)
            yield SystemCommand(_("Set a passphrase"), _("Your own, or as administrator a colleague's"),
                                self.set_passphrase)  # fmt: skip
            yield SystemCommand(_("One-time codes"), _("Sign in with a code from your telephone as well"),
                                self.begin_codes)  # fmt: skip
        yield SystemCommand(_("Help"), _("Help for this screen"), self.action_help)
        yield SystemCommand(_("Leave"), _("Leave the counter"), self.action_leave)

    # ------------------------------------------------------------------ last resort

    def _print_error_renderables(self) -> None:
        """A fault of the program ends it with a sentence, never with a traceback."""
        if self._exit_renderables and "debug" not in self.features:
            self._exit_renderables.clear()
            fault = program_fault(self._exception or RuntimeError("unknown"))
            sys.stderr.write(f"coopbank: {fault}\n")
        else:
            super()._print_error_renderables()


def _load_screens() -> None:
    """Read the modules of the other screens while somebody types their passphrase; the first they will see first."""
    import coopbank.tui.screens.home  # isort: skip
    import coopbank.tui.screens.day
    import coopbank.tui.screens.entry
    import coopbank.tui.screens.journal
    import coopbank.tui.screens.loan
    import coopbank.tui.screens.more
    import coopbank.tui.screens.waiting  # noqa: F401
