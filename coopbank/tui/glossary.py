"""The words of the bank, each in a sentence or two that a member could read."""

from __future__ import annotations

from typing import Final

from coopbank.words import marked

GLOSSARY: Final = (
    (
        marked("Account"),
        marked("A place in the books for one thing: a member's savings, a loan, a drawer, what the bank earned."),
    ),
    (
        marked("Borrower's report"),
        marked("What a co-op says it earned in a season. A loan out of surplus asks for nothing before it."),
    ),
    (
        marked("Cap of cost"),
        marked("The most that a loan may cost in all, whatever the surplus. Nobody pays more than that."),
    ),
    (
        marked("Charge-off"),
        marked("The bank no longer counts on a loan coming back and takes the loss. The borrower still owes it."),
    ),
    (
        marked("Close of day"),
        marked("The last act of an evening: drawers are counted, the day is ended, nobody posts to it any more."),
    ),
    (
        marked("Debit and credit"),
        marked("The two sides of every entry. They are always equal; if they were not, the books would refuse it."),
    ),
    (marked("Drawer"), marked("The cash box of one person. Who has it open answers for what is in it.")),
    (marked("Entry"), marked("One balanced line-up in the journal: where money came from and where it went.")),
    (marked("Float"), marked("The cash that a drawer begins with, brought from the vault.")),
    (
        marked("Fund"),
        marked(
            "Money kept apart for a purpose: lending, reserve, solidarity. What one fund has, another cannot spend."
        ),
    ),
    (marked("Grace"), marked("A time in which nothing of the principal has to be paid back.")),
    (
        marked("Head of the chain"),
        marked("A number and a hash that stand for all that was ever posted. Printed on every receipt; it proves it."),
    ),
    (marked("Instalment"), marked("A part of what is to be paid. A membership share may be paid in instalments.")),
    (
        marked("Interest"),
        marked("What borrowed money costs, or what saved money earns. Here it is never added to the debt."),
    ),
    (
        marked("Journal"),
        marked("The list of every entry, in the order in which they were posted. Nothing in it is ever changed."),
    ),
    (marked("Late"), marked("Due and not paid. What terms put off, or what no surplus allowed, is not late.")),
    (
        marked("Non-accrual"),
        marked("A loan so late that its interest no longer counts as earned, until it is really paid."),
    ),
    (
        marked("Operation"),
        marked("One act at the counter: pay in, repay, close the day. Each has a number, and its place in the chain."),
    ),
    (
        marked("Over and short"),
        marked("What a count finds too much or too little. It is booked at once; nobody covers it from their pocket."),
    ),
    (marked("Passbook"), marked("What happened on a member's accounts, line by line, with the balance after each.")),
    (marked("Patronage"), marked("The part of a year's surplus that goes to members by how much they used the co-op.")),
    (marked("Principal"), marked("What was borrowed and is not paid back yet, without interest.")),
    (marked("Restricted gift"), marked("A gift that may be spent for one purpose only. It has a fund of its own.")),
    (marked("Reversal"), marked("Takes an operation back by a new one that says why. Both stay to be seen.")),
    (
        marked("Second person"),
        marked("What matters takes two: one asks, another looks and approves. Nobody approves their own request."),
    ),
    (marked("Share"), marked("A member's part in the co-operative. It gives one vote, however many there are.")),
    (marked("Surplus"), marked("What is left of what a co-op earned after its costs and its people's pay.")),
    (marked("Value date"), marked("The day that counts for interest, when money came before it was typed.")),
    (marked("Vault"), marked("Where the bank's cash lies that is in no drawer.")),
)
"""Word and meaning, by the alphabet of the source."""
