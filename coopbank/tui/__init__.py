"""The terminal counter.

    coopbank.tui.run("ledger.db")            the counter on these books; returns an exit code
    coopbank.tui.run("ledger.db", "ana")     the same, with the user name filled in

screens/ holds one module a screen, widgets/ what they are made of, *.tcss how they look. Three rules hold
everywhere: all work on the books happens in thread workers that touch no widget (work.py); no text of a user is ever
read as markup (show.py); nothing is posted but from the review (screens/review.py). Forms are made from the catalogue
of operations (forms.py), so that a new operation needs no new screen.
"""

from __future__ import annotations

import sys
from pathlib import Path


def _at_a_terminal() -> bool:
    return all(end is not None and end.isatty() for end in (sys.stdin, sys.stdout, sys.stderr))


def run(place: str, user: str | None = None, *, read_only: bool = False, read_place: str | None = None) -> int:
    """Open the counter on the books at a path or URL; returns the exit code of the command line.

    `read_place`: a replica of the server, to read long reports from.
    """
    if "://" not in place and not Path(place).exists() and (read_only or not _at_a_terminal()):
        from coopbank.errors import DatabaseMissing

        missing = DatabaseMissing(
            "There are no books at {place}.", place=place,
            hint="Make them with: coopbank init --name NAME, or practise with: coopbank demo",
        )  # fmt: skip
        sys.stderr.write(f"coopbank: {missing}\n")
        return missing.exit_code
    from coopbank.tui.app import Counter

    counter = Counter(place, user, read_only=read_only, read_place=read_place)
    code = counter.run()
    if counter.failed is not None:
        sys.stderr.write(f"coopbank: {counter.failed}\n")
        return counter.failed.exit_code
    return code if code is not None else counter.return_code or 0
