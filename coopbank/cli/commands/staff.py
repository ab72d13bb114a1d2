"""Staff: signing in and out, users, passphrases."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from coopbank.cli import output, state
from coopbank.cli.app import app, command
from coopbank.cli.commands.operations import do_one
from coopbank.cli.door import Door, ask_passphrase, new_passphrase, passphrase_given, tell_of_sign_in
from coopbank.errors import CoopbankError, WrongUsage
from coopbank.words import _

MustChange = Annotated[
    bool, typer.Option("--must-change", hidden=True, help="A colleague chooses another at first use: so it always is.")
]
UserName = Annotated[str, typer.Argument(metavar="USER", help="User name.")]


@command(app, "login")
def login(
    door: Door,
    user: Annotated[str | None, typer.Argument(metavar="USER", help="Who signs in; --as says the same.")] = None,
) -> None:
    """Sign in and stay signed in on this computer for 12 hours; `logout` ends it."""
    name = user or door.user
    if name is None:
        if not sys.stdin or not sys.stdin.isatty():
            raise WrongUsage("Say who signs in.", field="user", hint="Write: coopbank login USER")
        name = typer.prompt(_("User name"))
    with door.bank() as bank:
        passphrase = passphrase_given() or ask_passphrase(_("Passphrase of {user}: ").format(user=name))
        actor = door.authenticate(bank, name, passphrase)
        bank.record_sign_in(actor)
        tell_of_sign_in(bank, actor)
        file = state.keep_sign_in(door.place, actor.user, bank.keep_sign_in(actor))
    if door.as_json:
        output.document({"user": actor.user, "roles": list(actor.roles), "member": actor.member, "kept_in": str(file)})
    else:
        output.line(_("{user} is signed in to {place}.").format(user=actor.user, place=door.shown_place))


@command(app, "logout")
def logout(door: Door) -> None:
    """End the sign-in that is kept for these books on this computer."""
    kept = state.forget_sign_in(door.place)
    if kept is not None:
        try:
            with door.bank() as bank:
                bank.sign_out(kept.token)
        except CoopbankError as refusal:
            output.narrate(_("The books could not be told: {why}").format(why=refusal))
    if door.as_json:
        output.document({"user": kept.user if kept else None})
    elif kept is None:
        output.line(_("Nobody was signed in to {place}.").format(place=door.shown_place))
    else:
        output.line(_("{user} is signed out of {place}.").format(user=kept.user, place=door.shown_place))


@command(app, "users")
def users(door: Door) -> None:
    """Who works here, with their roles."""
    from coopbank.bank import records
    from coopbank.bank.access import codes_of

    with door.reading() as view:
        found = [(name, view.books.personal(user.full_name), user) for name, user in view.books.every(records.User)]
        lacking = codes_of(view.books).lacking
    if door.as_json:
        output.document({
            "users": [
                {
                    "user": name, "full_name": full_name, "roles": list(user.roles), "member": user.member,
                    "active": user.active, "one_time_codes": user.one_time_code,
                    "codes_missing": name in lacking, "relatives": list(user.relatives),
                }
                for name, full_name, user in found
            ]
        })  # fmt: skip
        return
    columns = [_("User"), _("Name"), _("Roles"), _("Member"), _("Codes"), ""]
    rows = [
        [
            name, full_name, ", ".join(user.roles), user.member, _codes(user.one_time_code, name in lacking),
            "" if user.active else _("inactive"),
        ]
        for name, full_name, user in found
    ]  # fmt: skip
    output.table(columns, rows)
    if lacking:
        told = _("Without one-time codes, which their roles should have: {users}.")
        output.narrate(told.format(users=", ".join(lacking)))


def _codes(has: bool, lacks: bool) -> str:
    return _("yes") if has else _("missing") if lacks else ""


@command(app, "passphrase")
def passphrase(door: Door, user: UserName, must_change: MustChange = False) -> None:
    """Set a passphrase: your own, or as administrator a colleague's. Asks for it, or takes COOPBANK_NEW_PASSPHRASE.

    A colleague chooses another one before they do anything. Who has one already gets a new one by two people: what
    waits then is named, and once it is approved the same command sets it.
    """
    _set_passphrase(door, user)


user_app = typer.Typer(help="Add a user, set a passphrase.", rich_markup_mode=None, no_args_is_help=True)
app.add_typer(user_app, name="user")


@command(user_app, "add")
def add(
    door: Door,
    user: UserName,
    full_name: Annotated[str, typer.Option("--full-name", metavar="NAME", help="Full name.")],
    roles: Annotated[list[str], typer.Option("--role", metavar="ROLE", help="A role; may be repeated.")],
    member: Annotated[str | None, typer.Option("--member", metavar="M0007", help="Their own member number.")] = None,
) -> None:
    """Let a colleague work here. Set their passphrase afterwards."""
    values: dict[str, Any] = {"user": user, "full_name": full_name, "user_roles": list(roles)}
    if member is not None:
        values["member"] = member
    do_one(door, "add-user", values)
    if not door.as_json:
        output.narrate(_("Then set a passphrase: coopbank passphrase {user}").format(user=user))


@command(user_app, "passphrase")
def user_passphrase(door: Door, user: UserName, must_change: MustChange = False) -> None:
    """Set a passphrase: your own, or as administrator a colleague's."""
    _set_passphrase(door, user)


def _set_passphrase(door: Door, user: str) -> None:
    with door.signed_in() as (bank, actor):
        words = new_passphrase("COOPBANK_NEW_PASSPHRASE", _("New passphrase of {user}: ").format(user=user))
        waits = bank.set_passphrase(actor, user, words)
    if door.as_json:
        output.document({"user": user} | ({"status": "pending", "request": waits.request} if waits else {}))
    elif waits is not None:
        told = _("A colleague has to agree first: {request}. Once it is approved, set it with the same command.")
        output.line(told.format(request=waits.request))
    else:
        output.line(_("{user} has a new passphrase.").format(user=user))
