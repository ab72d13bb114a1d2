"""Begin one-time codes: the square for an authenticator, its secret in letters, and the first code that it shows."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from coopbank.errors import CoopbankError
from coopbank.tui.screens.base import CounterModal, StatusLine
from coopbank.tui.widgets.inputs import LineInput
from coopbank.words import _, marked

_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
_BORDER = 2


class CodesScreen(CounterModal[bool]):
    """A secret, and the code that shows that it was taken over."""

    HELP = marked("""# One-time codes

Take a picture of the square with an authenticator on your telephone, or type the letters into it. Then type the
six digits that it shows. From then on you sign in with your passphrase and with such a code.

Another telephone: begin anew, here. A telephone that was lost: an administrator ends your codes.""")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f9", "begin", marked("Begin"), key_display="F9", id="begin")]

    def __init__(self) -> None:
        super().__init__()
        self._secret = ""  # none yet  # nosec B105
        self._busy = False

    def compose(self) -> ComposeResult:
        self._secret, address = self.session.new_code()
        with Vertical(classes="box"):
            yield Static(_("One-time codes"), markup=False, classes="box-title")
            with VerticalScroll(id="codes-square"):
                yield Static(_("Take a picture of this with an authenticator on your telephone, or type the letters:"),
                             markup=False)  # fmt: skip
                yield Static(" ".join(self._secret[at : at + 4] for at in range(0, len(self._secret), 4)),
                             markup=False, id="codes-secret")  # fmt: skip
                yield Static(square(address), markup=False)
            with Horizontal(classes="field-line"):
                yield Static(_("One-time code"), markup=False, classes="field-label")
                yield LineInput(placeholder=_("six digits from your telephone"), max_length=10, id="code")
            yield StatusLine()
            yield Static(Content(_("F9 begins · Esc back")), markup=False, classes="box-keys")

    def on_mount(self) -> None:
        self.query_one("#code").focus()

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        self.action_begin()

    def action_begin(self) -> None:
        """Begin, if the code is the one of this moment."""
        if self._busy:
            return
        self._busy = True
        secret, code = self._secret, self.query_one("#code", LineInput).value
        self.carry_out(lambda session: session.begin_codes(secret, code), self._begun, self._refused)

    def _begun(self, _nothing: None) -> None:
        self._busy = False
        self.counter.books_changed()
        self.dismiss(True)

    def _refused(self, fault: CoopbankError) -> None:
        self._busy = False
        self.query_one("#code", LineInput).value = ""
        self.query_one(StatusLine).refuse(fault)


def square(address: str) -> str:
    """A square code in half blocks; light is drawn, as most terminals are dark and readers take either."""
    import segno

    light = [[not dark for dark in row] for row in segno.make(address, error="l").matrix_iter(border=_BORDER)]
    if len(light) % 2:
        light.append([False] * len(light[0]))
    return "\n".join(
        "".join(_HALVES[above, below] for above, below in zip(upper, lower, strict=True))
        for upper, lower in zip(light[::2], light[1::2], strict=True)
    )
