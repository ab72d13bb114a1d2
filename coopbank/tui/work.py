"""The one way from a screen to the books.

All work on the database happens in thread workers that touch no widget. A worker carries
a question (a function of the open `Session`) to the books and brings back a frozen value,
which arrives at the widget that asked as a message; only the handler of that message
changes what is seen. Reads of the same job overtake one another: while one is under way
only the newest waits, and an answer that is overtaken is dropped. Writes are carried out
one by one, never cancelled, and always answered.

Thread workers do not inherit context variables, so the language and the currency of the
book are carried along by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar, cast

from textual.dom import DOMNode
from textual.message import Message

from coopbank.errors import CoopbankError

if TYPE_CHECKING:
    from coopbank.tui.app import Counter
    from coopbank.tui.session import Session

T = TypeVar("T")
Failed = Callable[[CoopbankError], None]


class ProgramFault(CoopbankError):
    """A fault of the program itself; told in a sentence like every refusal."""


class Answer(Message, bubble=False):
    """What a question came back with: a value, or a refusal."""

    def __init__(self, job: str, then: Callable[[Any], None], value: Any, *, held: bool = False) -> None:
        super().__init__()
        self.job = job
        self.then = then
        self.value = value
        self.held = held  # keys wait for this answer


class AsksBooks:
    """Mixin of the screens and widgets that ask the books."""

    @property
    def counter(self) -> Counter:
        """The application, by its own type."""
        return cast("Counter", cast(DOMNode, self).app)

    @property
    def session(self) -> Session:
        """The open books and who acts in them."""
        return self.counter.session

    def ask(self, job: str, question: Callable[[Session], T], then: Callable[[T], None], failed: Failed) -> None:
        """Read from the books; of the same job only the newest question is answered."""
        running = self._jobs()
        waiting = job in running
        running[job] = (question, then, failed) if waiting else None
        if not waiting:
            self._send(job, question, then, failed)

    def carry_out(
        self, question: Callable[[Session], T], then: Callable[[T], None], failed: Failed, *, hold: bool = True
    ) -> None:
        """Write to the books, or read what the next screen needs; keys wait meanwhile. Answered whatever happens."""
        if hold:
            self.counter.hold_keys()
        self._send("", question, then, failed, hold)

    def if_still(self, now: Callable[[], object], then: Callable[[T], None]) -> Callable[[T], None]:
        """`then`, for an answer to what is so `now`; where another thing is so when it comes, it tells nothing."""
        asked = now()

        def answered(value: T) -> None:
            if cast(DOMNode, self).is_attached and now() == asked:
                then(value)

        return answered

    def tell(self, job: str, then: Callable[[Any], None], value: Any) -> None:
        """From a worker's thread: how far it has come. Handled like an answer; the worker goes on."""
        cast(DOMNode, self).post_message(Answer("", then, value))

    def asking(self, job: str) -> bool:
        """Whether an answer of this job is still on its way."""
        return job in self._jobs()

    def _jobs(self) -> dict[str, Any]:
        jobs: dict[str, Any] = self.__dict__.setdefault("_asked_jobs", {})
        return jobs

    def _send(
        self, job: str, question: Callable[[Session], T], then: Callable[[T], None], failed: Failed, held: bool = False
    ) -> None:
        counter, session, context = self.counter, self.counter.session, copy_context()
        asker = cast(DOMNode, self)

        def work() -> None:
            try:
                value: Any = context.run(session.answer, question)
                answer = Answer(job, then, value, held=held)
            except CoopbankError as refusal:
                answer = Answer(job, failed, refusal, held=held)
            except Exception as fault:
                counter.log.error(fault)
                answer = Answer(job, failed, program_fault(fault), held=held)
            if not asker.post_message(answer) and held:
                counter.call_later(counter.release_keys)

        counter.in_thread(work)

    def on_answer(self, answer: Answer) -> None:
        """Hand the answer over, unless a newer question of the same job waits."""
        newer = self._jobs().pop(answer.job, None) if answer.job else None
        if newer is not None:
            self.ask(answer.job, *newer)
        else:
            try:
                answer.then(answer.value)
            finally:
                if answer.held:
                    self.counter.release_keys()


class Pace:
    """How often to read again what others' work changes, if reading takes long.

    At most a twentieth of the time goes into it, however old the bank and however busy its other tills; and whatever
    it takes, after a minute it is read again.
    """

    PART, MOST = 20, 60.0

    def __init__(self) -> None:
        self._took = self._ended = 0.0

    def timed(self, question: Callable[[Session], T]) -> Callable[[Session], T]:
        """The question, which notes how long it took, in the worker's thread."""

        def run(session: Session) -> T:
            began = monotonic()
            try:
                return question(session)
            finally:
                self._ended = monotonic()
                self._took = self._ended - began

        return run

    def wait(self, now: float) -> float:
        """Seconds until it may be read again."""
        return max(0.0, self._ended + min(self.PART * self._took, self.MOST) - now)


def program_fault(fault: BaseException) -> ProgramFault:
    """A fault of the program, in a sentence."""
    return ProgramFault(
        "The program met a fault of its own ({what}); nothing half-done was kept.", what=type(fault).__name__,
        hint="Look the last entry up in the journal before you repeat it.",
    )  # fmt: skip
