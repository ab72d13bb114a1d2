"""`dormant`, `unclaimed`, `erase-traces`, and a member of whom there is more to say."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Run


def test_a_member_with_somebody_beside_them(books: Path, run: Run) -> None:
    entered = ["do", "add-joint-owner", "--member", "M0001", "--as", "ana"]
    assert run(*entered, "--person", "M0002").code == 0
    assert run(*entered, "--person-name", "Kit [b]", "--role", "beneficiary", "--account", "M0001").code == 0
    assert run("do", "lost-contact", "--member", "M0001", "--as", "ana").code == 0
    shown = run("member", "M0001").out
    assert "On the accounts" in shown and "Contact lost since" in shown
    rows = [line.split() for line in shown.splitlines() if line.startswith("J-0000")]
    assert [row[:3] for row in rows] == [["J-00001", "joint", "owner"], ["J-00002", "beneficiary", "Kit"]]
    assert [row[-1] for row in rows] == ["all", "S-M0001"]
    card = run("member", "M0001", "--json").document
    assert card["owners"][1]["name"] == "Kit [b]" and card["lost_since"] == "2026-03-02"
    assert run("do", "record-death", "--member", "M0001", "--died-on", "2026-03-01", "--evidence", "x",
               "--as", "ana").code == 0  # fmt: skip
    assert "Died on" in run("member", "M0001").out
    refused = run("do", "withdraw", "--member", "M0001", "--amount", "1.00", "--as", "ana")
    assert refused.code == 1 and "died on 2026-03-01" in refused.err


def test_dormant_and_unclaimed_as_of_a_day(books: Path, run: Run) -> None:
    assert "No account is dormant." in run("dormant").err
    assert "Nothing is unclaimed." in run("unclaimed").err
    shown = run("dormant", "--as-of", "2027-03-02").out
    assert "905/M0001" in shown and "Total" in shown
    document = run("dormant", "--as-of", "2027-03-02", "--json").document
    accounts = [(line["account"], line["months"]) for line in document["accounts"]]
    assert sorted(accounts) == [("901/M0001", 12), ("905/M0001", 12)]
    shown = run("unclaimed", "--as-of", "2031-06-30").out
    assert "M0001" in shown and "In one sum, 0 owners up to 50.00" in shown
    document = run("unclaimed", "--as-of", "2031-06-30", "--json").document
    assert (document["years"], document["total"], document["owners"][0]["noticed_on"]) == (5, "175.00", None)
    assert run("dormant", "--as-of", "soon").code == 2


def test_traces_are_erased_by_an_administrator(books: Path, run: Run) -> None:
    refused = run("erase-traces", "--as", "ana")
    assert refused.code == 1 and "administrator" in refused.err
    before = books.read_bytes()
    assert run("erase-traces", "--as", "admin").out.startswith("What was erased")
    assert run("erase-traces", "--as", "admin", "--json").document == {"cleared": True}
    assert books.read_bytes() != before
