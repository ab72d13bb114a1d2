"""Documents: made, made again, listed, and whether the books agree with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coopbank import __version__
from coopbank.cli import frames, options, output
from coopbank.cli.app import app, command
from coopbank.cli.commands.operations import do_one
from coopbank.cli.door import Door, new_passphrase
from coopbank.cli.faults import BOOKS_WRONG, REFUSED
from coopbank.cli.options import From, To
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.statements import Copy, Written


class Paper(StrEnum):
    """The paper that a document is drawn for."""

    letter = "letter"
    a4 = "a4"


class Language(StrEnum):
    """The language of a document."""

    en = "en"
    es = "es"


Folder = Annotated[str, typer.Option("--folder", metavar="FOLDER", help="Where the files go.")]
OnPaper = Annotated[Paper | None, typer.Option("--paper", help="The paper; the bank's policy if left out.")]
Large = Annotated[bool, typer.Option("--large", help="Large print: 18 points and more.")]
Speaking = Annotated[Language | None, typer.Option("--language", help="The language; the member's if left out.")]
Locked = Annotated[
    bool, typer.Option("--locked", help="And a copy that opens with a phrase (COOPBANK_PHRASE, or asked for).")
]
About = Annotated[
    str, typer.Argument(metavar="NUMBER", help="What it is about: M0007, L-010, N-001, G-07, A-001, an operation.")
]


@command(app, "statement")
def statement(
    door: Door,
    member: Annotated[str, typer.Argument(metavar="MEMBER", help="Member number: M0007, or 7.")],
    start: From = None,
    end: To = None,
    folder: Folder = "statements",
    paper: OnPaper = None,
    large: Large = False,
    language: Speaking = None,
    locked: Locked = False,
) -> None:
    """A member's statement as PDF; of this month so far if no period is given."""
    from coopbank.reports.find import member_ref

    with _made(door, "member-statement", member_ref(member) or member, start, end, folder, paper, large, language) as m:
        _tell_made(door, [m], _locked(m) if locked else None)


@command(app, "document")
def document(
    door: Door,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="Its kind; `coopbank documents --kinds` lists them.")],
    about: About = "",
    start: From = None,
    end: To = None,
    folder: Folder = "statements",
    paper: OnPaper = None,
    large: Large = False,
    language: Speaking = None,
    locked: Locked = False,
) -> None:
    """Any document as PDF: a receipt, a loan's papers, a certificate, a balance sheet, the annual report."""
    with _made(door, kind, about, start, end, folder, paper, large, language) as made:
        _tell_made(door, [made], _locked(made) if locked else None)


@command(app, "reprint")
def reprint(
    door: Door,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="Its number: ST-2026-06-M0007, RC-4512.")],
    folder: Folder = "statements",
    paper: OnPaper = None,
    large: Large = False,
    language: Speaking = None,
) -> None:
    """A document that was made, once more: as the books stood then, whatever came later."""
    from coopbank.statements import make_again

    asked = None if paper is None and language is None and not large else _copy(paper, large, language)
    with door.bank_to_print() as (bank, actor):
        _tell_made(door, [make_again(bank, number, actor=actor, folder=folder, copy=asked)])


@contextmanager
def _made(
    door: Door, kind: str, about: str, start: str | None, end: str | None, folder: str, paper: Paper | None,
    large: bool, language: Language | None,
) -> Iterator[Written]:  # fmt: skip
    from coopbank.statements import make

    first, last = options.day_or_none(start, "from"), options.day_or_none(end, "to")
    with door.bank_to_print() as (bank, actor):
        yield make(bank, kind, about, first, last, actor=actor, folder=folder, copy=_copy(paper, large, language))


def _copy(paper: Paper | None, large: bool, language: Language | None) -> Copy:
    from coopbank.statements import Copy

    return Copy(
        language=None if language is None else language.value, paper=None if paper is None else paper.value,
        print_size="large" if large else "normal",
    )  # fmt: skip


def _locked(made: Written) -> Path:
    from coopbank.statements import lock

    return lock(made.path, new_passphrase("COOPBANK_PHRASE", _("Phrase that opens the copy: ")))


def _tell_made(door: Door, made: list[Written], locked: Path | None = None) -> None:
    """Files made, and what the books know of them."""
    extra = [] if locked is None else [str(locked)]
    if door.as_json:
        output.document(
            {
                "files": [str(each.path) for each in made] + extra,
                "documents": [
                    {
                        "file": str(each.path), "number": each.number, "as_of": each.entry.as_of,
                        "head": each.entry.head, "sha256": each.sha256, "recorded": each.recorded, "again": each.again,
                        "identical": each.identical,
                    }
                    for each in made
                ],
            }
        )  # fmt: skip
        return
    for each in made:
        output.line(each.path)
        if each.again:
            told = _("{number} was made before; this is the same file.") if each.identical else _(
                "{number} was made before; this is a further copy with the same figures."
            )  # fmt: skip
            output.narrate(told.format(number=each.number))
        if each.again and each.software != __version__:
            output.narrate(_("Its first copy was made by version {version}.").format(version=each.software))
        if each.entry.replaces:
            output.narrate(_("It replaces {number}, whose figures have changed.").format(number=each.entry.replaces))
    for file in extra:
        output.line(file)


@command(app, "statements")
def statements(
    door: Door,
    month: Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="The month.")],
    members: Annotated[
        list[str] | None, typer.Option("--members", metavar="MEMBER", help="Only these: M0007,M0009; may be repeated.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, max=64, help="Processes that draw.")] = 1,
    folder: Folder = "statements",
    paper: OnPaper = None,
    large: Large = False,
    to_print: Annotated[
        str | None, typer.Option("--print", metavar="FILE", help="And one file to print, sorted for delivery.")
    ] = None,
) -> None:
    """Every member's statement of a month, as PDF; run again, it makes what is missing or has changed."""
    from coopbank.reports.find import member_ref
    from coopbank.statements import make_month, print_ready

    options.month(month)
    refs = [ref for given in members or [] for ref in given.split(",") if ref]
    with door.bank_to_print() as (bank, actor):
        made = make_month(
            bank, month, folder, actor=actor, members=[member_ref(ref) or ref for ref in refs] or None,
            copy=_copy(paper, large, None), jobs=jobs, progress=output.progress(_("statements")),
            failed=lambda _member, _fault: None,  # told at the end
        )  # fmt: skip
        whole = None if to_print is None or not made.files else print_ready(bank, made, Path(to_print))
    frames.files(
        door, list(made.files), made=made.made, kept=made.kept, manifest=made.manifest and str(made.manifest),
        print=whole and str(whole), failed=[{"about": ref, "why": why} for ref, why in made.failed],
    )  # fmt: skip
    for other in (made.manifest, whole):
        if other is not None:
            output.narrate(other)
    if not made.files and not made.failed:
        output.narrate(_("Nobody was a member in {month}.").format(month=month))
    if made.failed:
        for ref, why in made.failed:
            output.narrate(_("{member}: {why}").format(member=ref, why=why))
        count = len(made.failed)
        output.narrate(
            _("{count} could not be made; the others are. Run it again for what is missing.").format(count=count)
        )
        raise typer.Exit(REFUSED)


@command(app, "documents")
def documents(
    door: Door,
    about: Annotated[str, typer.Argument(metavar="NUMBER", help="Only those about it: M0007, L-010.")] = "",
    kinds: Annotated[bool, typer.Option("--kinds", help="The kinds of documents that there are.")] = False,
) -> None:
    """The documents that were made: number, of when, by whom, as of which operation."""
    if kinds:
        _tell_kinds(door)
        return
    from coopbank.bank import records

    with door.reading() as view:
        found = view.books.about(records.Document, about) if about else view.books.every(records.Document)
    if door.as_json:
        output.document(
            [{"number": ref, **body.model_dump(exclude={"void", "figures", "file"})} for ref, body in found]
        )
        return
    output.table(
        [_("Number"), _("Document"), _("About"), _("As of"), _("Head"), _("By")],
        [(ref, body.document, body.about, body.as_of, body.head, body.made_by) for ref, body in found],
    )


def _tell_kinds(door: Door) -> None:
    from coopbank.statements import KINDS

    if door.as_json:
        output.document([{"kind": k.name, "code": k.code, "about": k.subject, "time": k.span} for k in KINDS.values()])
        return
    output.table(
        [_("Kind"), _("Code"), _("Document"), _("About"), _("Time")],
        [(k.name, k.code, _(k.title), k.subject, k.span) for k in KINDS.values()],
    )


@command(app, "logo")
def logo(
    door: Door,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A PNG or JPEG; `none` takes the picture away.")],
) -> None:
    """The picture on the bank's papers: kept as a policy, so it takes a second person."""
    from coopbank.bank.letterhead import picture_of

    do_one(door, "set-policy", {"policy": "logo", "value": "" if file == "none" else picture_of(Path(file))})


@command(app, "check")
def check(
    door: Door,
    code: Annotated[list[str], typer.Argument(metavar="CODE|FILE", help="What the square code says, or the PDF.")],
) -> None:
    """Whether the books still agree with a document, from its code or its file."""
    from coopbank.statements import check as checked

    with door.bank_to_read() as bank:
        found = checked(bank, " ".join(code))
    if door.as_json:
        output.document(
            {
                "document": found.number, "as_of": found.operation, "head": found.head, "agrees": found.agrees,
                "answers": [{"name": a.name, "agrees": a.agrees, "words": a.words} for a in found.answers],
            }
        )  # fmt: skip
    else:
        marks = {True: _("yes"), False: _("NO"), None: "-"}
        output.line(_("Document {number}").format(number=found.number))
        for answer in found.answers:
            output.line(f"  {marks[answer.agrees]:4} {answer.name}: {answer.words}")
        output.line(_("The books agree with it.") if found.agrees else _("The books do NOT agree with it."))
    if not found.agrees:
        raise typer.Exit(BOOKS_WRONG)
