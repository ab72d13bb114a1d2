"""The two programs that check an export, and what they say the balances are."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from beancount import loader
from beancount.core import data, realization

from coopbank.bank.books import Books
from coopbank.exchange.names import account_name
from coopbank.money import currency, parse_amount

HLEDGER = shutil.which("hledger")
needs_hledger = pytest.mark.skipif(HLEDGER is None, reason="hledger is not installed")


def our_balances(books: Books) -> dict[str, int]:
    """Every leaf that is not zero, by its account name: minor units, debit +."""
    return {
        account_name(kind, fund, gl_code, contract): balance
        for kind, fund, gl_code, contract, balance in books.tx.rows(
            "SELECT a.kind, a.fund, a.gl_code, a.contract, b.debit - b.credit FROM account a"
            " JOIN balance b ON b.account_id = a.id"
        )
        if balance
    }


def beancount_read(file: Path) -> tuple[dict[str, int], list[data.Transaction]]:
    """Balances and transactions as beancount reads them; it must find no error."""
    entries, errors, _options = loader.load_file(str(file))
    assert not errors, errors[0]
    balances = {}
    for account in realization.iter_children(realization.realize(entries)):
        for position in account.balance:
            exponent = currency(position.units.currency).exponent
            balances[account.account] = int(position.units.number.scaleb(exponent))
    return balances, [entry for entry in entries if isinstance(entry, data.Transaction)]


def bean_check(file: Path) -> subprocess.CompletedProcess[str]:
    """The real program; its exit code is 0 when it accepts the file."""
    program = Path(sys.executable).with_name("bean-check")
    return subprocess.run([program, "--no-cache", file], capture_output=True, text=True, check=False)


def hledger(file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The real program, on one file."""
    assert HLEDGER is not None
    return subprocess.run([HLEDGER, "-f", file, *words], capture_output=True, text=True, check=False)


def hledger_balances(file: Path) -> dict[str, int]:
    """Balances as hledger reads them; it must accept the file."""
    checked = hledger(file, "check", "--strict")
    assert checked.returncode == 0, checked.stderr
    found = hledger(file, "balance", "--flat", "--no-total", "-O", "csv")
    assert found.returncode == 0, found.stderr
    balances = {}
    for account, amount in list(csv.reader(io.StringIO(found.stdout)))[1:]:
        number, _space, code = amount.partition(" ")
        balances[account] = parse_amount(number, code or "USD")
    return balances


def hledger_memos(file: Path) -> dict[int, str]:
    """Descriptions by the number of the entry."""
    found = hledger(file, "print", "-O", "json")
    assert found.returncode == 0, found.stderr
    return {int(each["tcode"]): each["tdescription"] for each in json.loads(found.stdout) if each["tcode"]}
