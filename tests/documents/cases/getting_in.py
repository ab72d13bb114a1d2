"""Cases of the error gallery: getting in from spreadsheets."""

from __future__ import annotations

import json
from typing import Any

from coopbank import errors as e
from tests.documents.gallery_case import Case, no

#: 2,400.00 at 6 % over two years since 15 September 2025, five instalments paid on their days.
_LOAN = {
    "loan": "L-007", "member": "M0001", "principal": "2400.00", "annual_rate": "6", "disbursed_on": "2025-09-15",
    "installments": "24", "balance": "1923.76", "paid_principal": "476.24", "paid_interest": "55.56",
    "paid_to": "2026-02-15", "next_due": "2026-03-15",
}  # fmt: skip


def loan(title: str, advice: str = "", options: str = "", **change: str) -> Case:
    """A loan in mid-life whose row is not right."""
    row = _LOAN | change
    content = f"{','.join(row)}\n{','.join(row.values())}\n"
    return no(e.ImportRefused, title, f"tom import loans loans.csv{options}", advice, scene="old",
              files={"loans.csv": content})  # fmt: skip


def by_hand(klass: type[e.CoopbankError], title: str, advice: str = "", **change: Any) -> Case:
    """The same by `opening-balance`."""
    old = {name: value for name, value in _LOAN.items() if name not in ("balance", "paid_to")} | change
    lines = " ".join(f"--lines '{line}'" for line in ("RLF 701/L-007 Dr 1923.76", "RLF 990 Cr 1923.76"))
    return no(klass, title, f"tom do opening-balance {lines} --loans '{json.dumps([old])}'", advice, scene="old")


def file(klass: type[e.CoopbankError], title: str, content: str, advice: str = "", *, kind: str = "savings",
         options: str = "", by: str = "tom", **more: Any) -> Case:  # fmt: skip
    """A file of somebody else's."""
    files = {f"{kind}.csv": content, **more.pop("files", {})}
    return no(klass, title, f"{by} import {kind} {kind}.csv{options}", advice, scene="old", files=files, **more)


_ONE = "member,amount\nM0001,12.50\n"

# fmt: off
CASES: tuple[Case, ...] = (
    # ------------------------------------------------------------------------------ loans in mid-life
    loan("A loan whose principal does not come to what is owed", paid_principal="467.24"),
    loan("A loan with interest that did not run", accrued_interest="7.44"),
    loan("A loan with a rate that is not in percent", annual_rate="0.06"),
    loan("A loan whose next instalment is not in its schedule", next_due="2026-03-31"),
    loan("A loan with more instalments behind it than were paid", next_due="2026-05-15"),
    loan("A loan whose next instalment is paid", next_due="2026-02-15"),
    loan("A loan with another instalment than its terms give", payment="110.00"),
    loan("A loan that is not as late as is said", days_late="30"),
    loan("A loan with interest paid to a day to come", paid_to="2026-03-15"),
    file(e.ImportRefused, "A loan twice in a file",
         f"{','.join(_LOAN)}\n{','.join(_LOAN.values())}\n{','.join(_LOAN.values())}\n", kind="loans"),
    file(e.ImportRefused, "A row of somebody who is a member already", "name,tax_id\nMia Lee,123-45-6789\n",
         kind="members", by="ana", steps="ana change-member member=M0001 tax_id=123456789"),
    by_hand(e.InvalidValue, "Days late of a loan whose next instalment is not said", next_due=None, days_late=3),
    by_hand(e.InvalidAmount, "Terms of a loan whose principal does not come to what is owed", paid_principal="1.00"),
    no(e.InvalidDate, "Balances as of a day of last month", "tom do opening-balance --effective-on 2026-02-27"
       " --lines 'GEN 940 Cr 1.00' --lines 'GEN 990 Dr 1.00'", "Bring the old records up to this month.", scene="old"),

    # ---------------------------------------------------------------------------------- control totals
    file(e.ImportRefused, "A file with too few rows", _ONE, options=" --control-count 2",
         advice="Look for the row that is missing."),
    file(e.ImportRefused, "A file that comes to another total", _ONE, options=" --control-total 12.40",
         advice="Compare the amounts with the old records."),
    file(e.WrongUsage, "A total of members", "name\nLena\n", kind="members", options=" --control-total 1.00", by="ana"),
    file(e.WrongUsage, "Members as of a day", "name\nLena\n", kind="members", options=" --as-of 2026-03-02", by="ana"),
    file(e.ImportRefused, "A member twice in a file", "name,phone\nLena,601\nLena,601\n", kind="members", by="ana"),

    # ------------------------------------------------------------------------ somebody else's spreadsheet
    file(e.WrongUsage, "A mapping to a field that there is not", "Wer,amount\nM0001,5.00\n",
         options=" --map Wer=who"),
    file(e.WrongUsage, "A mapping without its field", _ONE, options=" --map member"),
    file(e.WrongUsage, "A column mapped twice", _ONE, options=" --map Wer=member --map Wer=amount"),
    file(e.ImportRefused, "A mapping of a column that the file has not", _ONE, options=" --map Wer=account",
         advice="Copy the heading from the file."),
    file(e.WrongUsage, "A mapping kept in a file that there is not", _ONE, options=" --map-file map.json"),
    file(e.WrongUsage, "A mapping kept as something else", _ONE, options=" --map-file map.json",
         files={"map.json": '{"Wer": "member"}'}),
    file(e.WrongUsage, "A mapping that is not JSON", _ONE, options=" --map-file map.json",
         files={"map.json": "Wer=member"}),
    file(e.ImportRefused, "A cell that the spreadsheet could not work out", "member,amount\nM0001,#REF!\n"),
    file(e.ImportRefused, "An amount that can be read in two ways", 'member,amount\nM0001,"1,250"\n'),
    file(e.ImportRefused, "A day that can be read in two ways", "name,joined\nLena,03/04/2020\n", kind="members",
         by="ana"),
    file(e.ImportRefused, "A day that does not begin with its year", "name,joined\nLena,03/04/2020\n", kind="members",
         by="ana", options=" --dates iso"),
    file(e.ImportRefused, "A year of two digits", "name,joined\nLena,03/04/20\n", kind="members", by="ana",
         options=" --dates us"),
    file(e.WrongUsage, "A report into a folder that there is not", _ONE, "Make the folder first.",
         options=" --report none/report.csv"),
    no(e.WrongUsage, "A template that there is not", "import --template houses"),
    no(e.WrongUsage, "An import without a file", "tom import members"),
    file(e.WrongUsage, "A control total of bank lines", "Date,Amount\n", kind="bank-lines",
         options=" --control-total 5.00", advice="Leave it out; a statement has its closing balance."),
)
# fmt: on
