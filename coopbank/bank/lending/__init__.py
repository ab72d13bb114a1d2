"""Lending: what happened to a loan, the state that it leads to, and the lines that follow.

    facts.py       what happened: advances, payments, changes, each with its value date
    contract.py    what was agreed, as arithmetic can use it
    scheduled.py   the story of a loan with a schedule, and of a line of credit
    reported.py    the story of a loan repaid out of surplus or revenue
    standing.py    how a loan stands on a day: owed, due, late
    flows.py       from the story to lines in the books
    accounts.py    loans read from the books, told, and written back

Everything up to flows.py is pure: it knows records and dates, and no database.
"""
