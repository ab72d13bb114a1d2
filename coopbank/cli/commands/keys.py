"""The book's key, which signs the closes, and the one-time codes that are kept under it."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer

from coopbank.cli import output
from coopbank.cli.app import app, command
from coopbank.cli.documents import write_new
from coopbank.cli.door import Door, ask_passphrase, passphrase_given
from coopbank.errors import Unknown
from coopbank.words import _

keys_app = typer.Typer(help="The key that signs closes and packs.", rich_markup_mode=None, no_args_is_help=True)
app.add_typer(keys_app, name="keys")


@command(keys_app, "make")
def make(door: Door) -> None:
    """A key for the book: signs closes, encrypts taxpayer numbers and backups.

    It lies in a file beside the books that your passphrase opens; colleagues get it when their passphrase is set
    while you are signed in. A key that follows another waits for a second person.
    """
    with door.signed_in() as (bank, actor):
        words = passphrase_given() or ask_passphrase(_("Passphrase of {user}: ").format(user=actor.user))
        if door.user is None or not passphrase_given():
            door.authenticate(bank, actor.user, words)  # a kept sign-in has no passphrase to put the key under
        receipt, file = bank.make_keys(actor, words)
    if door.as_json:
        output.document({"status": receipt.status, "request": receipt.request, "key_file": str(file.path)})
    elif receipt.status == "pending":
        output.line(_("The new key waits for a second person: {request}.").format(request=receipt.request))
    else:
        output.line(_("The book has a key, in {file}.").format(file=file.path))
        output.line(_("Keep a copy of it on another disk: without it nobody can sign or read what is encrypted."))


@command(keys_app, "show")
def show(
    door: Door,
    pem: Annotated[
        str | None, typer.Option("--pem", metavar="FILE", help="Write the public key there, as openssl reads it.")
    ] = None,
) -> None:
    """The public key, for auditors: with it anybody can check what was signed."""
    from coopbank.bank import records
    from coopbank.bank.keyring import PublicKeys, key_file

    with door.reading() as view:
        known = view.books.find(records.SigningKey, "key")
    if known is None:
        raise Unknown("These books have no key yet.", field="key", hint="Make one with: coopbank keys make")
    public = PublicKeys(bytes.fromhex(known.sign), bytes.fromhex(known.seal))
    file = key_file(door.place, public)
    if pem is not None:
        write_new(Path(pem), public.pem(), "pem")
    if door.as_json:
        output.document({"sign": known.sign, "seal": known.seal, "key_file": str(file.path), "there": file.exists()})
        return
    there = "" if file.exists() else _(" (it is not there)")
    output.pairs([(_("Public signing key"), known.sign), (_("Key file"), f"{file.path}{there}")])


codes_app = typer.Typer(help="One-time codes beside the passphrase.", rich_markup_mode=None, no_args_is_help=True)
app.add_typer(codes_app, name="codes")


@command(codes_app, "on")
def codes_on(door: Door) -> None:
    """Sign in with a code from your telephone as well, from now on.

    Shows a square for an authenticator, and asks for the first code that it shows.
    """
    import segno

    from coopbank.bank import codes

    with door.signed_in() as (bank, actor):
        secret = codes.new_secret(secrets.token_bytes)
        address = codes.address(secret, actor.user, bank.institution.name)
        if not door.as_json:
            if sys.stdout.isatty():
                segno.make(address).terminal(compact=True)
            output.line(_("Secret for your authenticator: {secret}").format(secret=secret))
        given = ask_passphrase(_("The code that it shows now: "))
        codes.require_first(secret, given, bank.clock.now())
        bank.set_code(actor, actor.user, secret)
    if door.as_json:
        output.document({"user": actor.user, "codes": True})
    else:
        output.line(_("{user} signs in with one-time codes from now on.").format(user=actor.user))


@command(codes_app, "off")
def codes_off(
    door: Door,
    user: Annotated[str | None, typer.Argument(metavar="USER", help="A colleague who lost their telephone.")] = None,
) -> None:
    """No more one-time codes: for yourself, or as administrator for a colleague, where another one agrees."""
    from coopbank.bank.operations.staff import ResetSignIn

    with door.signed_in() as (bank, actor):
        name, waits = user or actor.user, None
        if name == actor.user:
            bank.set_code(actor, name, None)
        else:
            waits = bank.perform(actor, ResetSignIn(user=name, passphrase=False, codes=True)).request
    if door.as_json:
        output.document({"user": name, "codes": waits is not None} | ({"request": waits} if waits else {}))
    elif waits is not None:
        output.line(_("A colleague has to agree first: {request}.").format(request=waits))
    else:
        output.line(_("{user} signs in without one-time codes.").format(user=name))
