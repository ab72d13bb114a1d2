"""Who works here and what they may do; and the settings that the bank decided for itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from coopbank.tui import people
from coopbank.tui.people import Person, Rule
from coopbank.tui.screens.base import HELP_KEY
from coopbank.tui.screens.listing import ListingScreen
from coopbank.tui.screens.passphrase import PassphraseScreen
from coopbank.tui.show import neat
from coopbank.tui.widgets.rows import Column
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.tui.session import Session


class PeopleScreen(ListingScreen[Person]):
    """Everybody who works here, and below what the one under the cursor may do."""

    HELP = marked("""# Who works here

Each with their roles; below the list what these roles may do. **F3** adds a colleague, **F4** gives other roles or
takes them away, **F5** says which member somebody is, so that they never serve their own account, **F6** gives a
new passphrase. All of it but the passphrase takes two people, as soon as there are two.

Nobody changes their own roles. A passphrase is kept nowhere: who forgot theirs gets a new one.""")
    HEADING = marked("Who works here")
    EMPTY = marked("Nobody works here yet.")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column(marked("User"), 10), Column(marked("Name"), 16, flexible=True),
        Column(marked("Roles"), 20, flexible=True), Column(marked("Member"), 7), Column("", 8),
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f3", "fill('add-user')", marked("Add"), key_display="F3", id="add-user"),
        Binding("f4", "fill('change-role')", marked("Roles"), key_display="F4", id="change-role"),
        Binding("f5", "fill('link-user')", marked("Member"), key_display="F5", id="link-user"),
        Binding("f6", "passphrase", marked("Passphrase"), key_display="F6", id="passphrase"),
        Binding("escape", "leave", marked("Back"), key_display="Esc", id="back"),
        HELP_KEY,
        Binding("ctrl+q", "app.leave", marked("Leave"), key_display="Ctrl+Q", id="leave", show=False),
    ]

    @staticmethod
    def question(session: Session) -> Sequence[Person]:
        return people.people(session)

    def cells(self, item: Person) -> Sequence[str]:
        roles = ", ".join(translate(role) for role in item.roles)
        return (item.user, item.full_name, roles, item.member or "", "" if item.active else _("inactive"))

    def faint(self, item: Person) -> bool:
        return not item.active

    def detail(self, item: Person) -> Text:
        text = Text.assemble((f"{neat(item.full_name)} · {neat(item.user)}\n", "bold"))
        if item.member is not None:
            own = _("Is member {member}, {name}, and never serves that account.")
            text.append(own.format(member=neat(item.member), name=neat(item.member_name)) + "\n")
        else:
            text.append(_("Is linked to no member: nothing keeps them from serving an account of their own.") + "\n")
        if item.signed_in is None:
            text.append(_("Never signed in.") + "\n")
        else:
            when = f"{item.signed_in[:16].replace('T', ' ')} UTC"
            text.append(_("Signed in last at {when}.").format(when=when) + "\n")
        for role, titles in item.may if item.active else ():
            text.append(f"\n{neat(translate(role))}  ", style="bold")
            text.append(neat(", ".join(titles) if titles else _("looks, and changes nothing")))
        return text

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what this person may do with the one under the cursor."""
        if action == "passphrase":
            return bool(self.session.actor.user)
        if action != "fill":
            return True
        name = str(parameters[0])
        if not self.session.may(name):
            return False
        own = self.chosen is not None and self.chosen.user == self.session.actor.user
        return None if name == "change-role" and own else True

    def on_row_list_chosen(self) -> None:
        if self.check_action("fill", ("change-role",)):
            self.action_fill("change-role")

    def action_fill(self, name: str) -> None:
        """The form of one of the operations on users."""
        person = self.chosen
        if name == "add-user" or person is None:
            self.counter.fill_in("add-user")
        elif name == "change-role":
            suggested = {"user_roles": ", ".join(person.roles), "active": "yes" if person.active else "no"}
            self.counter.fill_in(name, fixed={"user": person.user}, suggested=suggested)
        else:
            self.counter.fill_in(name, fixed={"user": person.user})

    def action_passphrase(self) -> None:
        """A new passphrase for the one under the cursor."""
        self.app.push_screen(PassphraseScreen(self.chosen.user if self.chosen is not None else None))


class RulesScreen(ListingScreen[Rule]):
    """The settings of the bank: each with what it means, and since when it stands."""

    HELP = marked("""# What the bank decided

Its own settings, such as for how long cheques are held. They hold for everybody and stand in the sealed books.
**Enter** changes the one under the cursor; that takes two people. Those of this terminal alone are under Settings.""")
    HEADING = marked("What the bank decided for itself")
    EMPTY = marked("Nothing is decided yet.")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column(marked("Setting"), 30), Column(marked("Value"), 16, flexible=True), Column(marked("Since"), 10),
        Column(marked("By"), 10),
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f4", "change", marked("Change it"), key_display="F4", id="change"),
        Binding("escape", "leave", marked("Back"), key_display="Esc", id="back"),
        HELP_KEY,
        Binding("ctrl+q", "app.leave", marked("Leave"), key_display="Ctrl+Q", id="leave", show=False),
    ]

    @staticmethod
    def question(session: Session) -> Sequence[Rule]:
        return people.rules(session)

    def cells(self, item: Rule) -> Sequence[str]:
        return (item.title, item.value, item.since, item.by)

    def detail(self, item: Rule) -> Text:
        return Text.assemble(
            (neat(item.title), "bold"),
            (f"  {neat(item.name)}", "dim"),
            f"\n{neat(item.says)}\n\n",
            (_("Now: "), "dim"),
            neat(item.value),
        )

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the change to whom may make it."""
        return self.session.may("set-policy") if action == "change" else True

    def on_row_list_chosen(self) -> None:
        if self.session.may("set-policy"):
            self.action_change()

    def action_change(self) -> None:
        """Change the setting under the cursor."""
        rule = self.chosen
        if rule is not None:
            self.counter.fill_in("set-policy", fixed={"policy": rule.name}, suggested={"value": rule.value})
