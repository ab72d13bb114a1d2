"""A terminal that outlasts a stop from outside, by `kill -STOP`, a debugger or a machine that is frozen.

Textual knows of Ctrl-Z, which it makes ready for. Told to go on without having been told to stop, it would begin the
terminal a second time, take it as it is then for how it was, and leave it so: without echo, and without line ends.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from textual.driver import Driver


@lru_cache(maxsize=1)
def lasting(kind: type[Driver]) -> type[Driver]:
    """The same driver; where it takes the terminal anew it gives it back first."""
    if not hasattr(kind, "_sigcont_application"):
        return kind  # another system's, which knows no such signals

    class Lasting(kind):  # type: ignore[misc, valid-type]
        """Goes on as it should."""

        def _sigcont_application(self, *told: Any) -> None:
            if self._must_signal_resume:  # after Ctrl-Z
                super()._sigcont_application(*told)
            else:  # in its turn: a signal comes in the midst of anything, of what is written to the terminal too
                self._loop.call_soon_threadsafe(self._take_anew)

        def _take_anew(self) -> None:
            reading = self._key_thread is not None and self._key_thread.is_alive()
            if self._auto_restart and reading and self._app.is_running and not self._app._exit:
                self.suspend_application_mode()
                self.resume_application_mode()
                self._app.refresh(layout=True)

    return Lasting
