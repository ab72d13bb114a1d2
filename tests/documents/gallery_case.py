"""What a case of the error gallery is: what is typed, in which bank, what it is refused as, and what to do then."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from coopbank import errors as e
from tests.documents.gallery_faults import Fault
from tests.documents.gallery_stage import STAFF

WHAT_TO_DO = {
    e.InvalidValue: "Mend the field and try again.",
    e.InvalidAmount: "Mend the amount and try again.",
    e.InvalidDate: "Mend the date and try again.",
    e.Unknown: "Look the name or number up, and try again.",
    e.AlreadyExists: "Use the one that is there, or choose another name.",
    e.NotAllowed: "Ask somebody whose work it is.",
    e.LimitReached: "Ask for less, or have the limit changed by whoever may.",
    e.Overdrawn: "Take a smaller amount, or bring money in first.",
    e.WrongState: "Do first what the message names.",
    e.InvalidTerms: "Mend the field of the document and try again.",
    e.WrongUsage: "Mend the command and run it again.",
    e.ImportRefused: "Mend the rows in the file and import it again; no row of it was taken.",
}
"""What to do where a case does not say it better."""


@dataclass(frozen=True)
class Case:
    """One refusal: who types what, and what they should do then."""

    klass: type[e.CoopbankError]
    title: str
    command: str
    advice: str = ""
    scene: str = "town"
    steps: str = ""
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    env: Mapping[str, str | None] = field(default_factory=dict)
    stdin: str = ""
    around: Fault | None = None

    @property
    def todo(self) -> str:
        """One sentence on what to do."""
        return self.advice or next(words for klass in self.klass.__mro__ if (words := WHAT_TO_DO.get(klass)))


def no(klass: type[e.CoopbankError], title: str, command: str, advice: str = "", **more: Any) -> Case:
    """A case; a command that begins with a user name is theirs: `ana do open-day`."""
    who, _blank, rest = command.partition(" ")
    command = f"coopbank --as {who} {rest}" if who in STAFF else f"coopbank {command}"
    return Case(klass, title, command, advice, **more)


def by_json(klass: type[e.CoopbankError], title: str, advice: str = "", *, by: str = "ana", **request: Any) -> Case:
    """A request as a document; the answer then is JSON too."""
    more = {name: request.pop(name) for name in ("scene", "steps") if name in request}
    name = request.pop("operation").replace("_", "-")
    return no(klass, title, f"{by} do --json -", advice, stdin=json.dumps({"operation": name, **request}), **more)
