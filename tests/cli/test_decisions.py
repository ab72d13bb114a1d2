"""Decisions from the command line: resolutions, ballots and their recount, what voters read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run, program
from tests.support_bank import SmallBank, new_bank


@pytest.fixture
def decided(folder: Path) -> Path:
    """A resolution on a loan that was carried and used, and a pot that was allotted."""
    place = folder / "ledger.db"
    with new_bank(str(place)) as small:
        decide(small)
    return place


def decide(small: SmallBank) -> None:
    for name in ("Mia <b>Lee</b>", "Noa", "Oto", "Pia"):
        small.admit(name)
    small.do("receive-gift", by=small.tom, fund="RLF", amount="9000.00", donor="A friend", tender="transfer")
    small.agreed("set-body", small.admin, small.tom, body="ASSEMBLY", body_name="All", form="assembly", notice_days=0)
    small.do("call-meeting", small.sue, body="ASSEMBLY", on="2026-03-02", notice_sent_on="2026-03-02")
    small.do("apply-for-loan", member="M0001", product="TERM", amount="2000.00", purpose="=1+1 [red]kiln[/red]")
    loan = {"matter": "loan", "about": "A-001", "amount": "2000.00", "text": "We lend for <b>a kiln</b>"}
    small.do("propose-resolution", small.sue, meeting="MT-00001", **loan)
    small.do("declare-interest", small.sue, resolution="RES-00001", member="M0001", why="asks for it")
    for member, vote in (("M0002", "for"), ("M0003", "for"), ("M0004", "against")):
        small.do("record-vote", small.sue, resolution="RES-00001", member=member, vote=vote)
    small.agreed("close-vote", small.sue, small.tom, resolution="RES-00001")
    small.agreed(
        "grant-loan",
        member="M0001",
        principal="1500.00",
        annual_rate="6",
        installments=12,
        application="A-001",
        resolution="RES-00001",
    )
    pot = {"form": "allocation", "fund": "RLF", "pot": "1000.00", "options": "ROOF 400.00 =1+1\nVAN 700.00 A van"}
    small.do("open-poll", small.sue, meeting="MT-00001", question="What for?", **pot)
    small.do("give-ballots", small.sue, poll="PL-00001", members=["M0001", "M0002", "M0003", "M0004"])
    small.agreed("close-poll", small.sue, small.tom, poll="PL-00001")
    small.agreed("load-ballots", small.sue, small.tom, poll="PL-00001", ballots="2x ROOF\nVAN\nVAN ROOF")


def test_resolutions_are_listed(decided: Path, run: Run) -> None:
    (line,) = run("resolutions", "--json").document["resolutions"]
    assert (line["ref"], line["amount"], line["used"], line["state"]) == (
        "RES-00001", "2000.00", "1500.00", "carried",
    )  # fmt: skip
    assert "<b>a kiln</b>" in run("resolutions").out
    assert run("resolutions", "--state", "rejected", "--json").document["resolutions"] == []
    assert run("resolutions", "--state", "lost").code == 2


def test_a_resolution_whole(decided: Path, run: Run) -> None:
    found = run("resolution", "res-00001", "--json").document
    assert (found["roll"], found["recused"], found["in_favour"], found["against"]) == (4, 1, 2, 1)
    assert {vote["member"]: vote["vote"] for vote in found["votes"]} == {
        "M0001": "recused", "M0002": "for", "M0003": "for", "M0004": "against",
    }  # fmt: skip
    assert [use["what"] for use in found["uses"]] == ["grant-loan"]
    assert "RES-00001" in run("entries", "--json").out
    assert "M0004" in run("resolution", "RES-00001").out
    assert run("resolution", "RES-00009").code == 1


def test_ballots_are_exported_and_counted_again_without_the_books(decided: Path, run: Run, folder: Path) -> None:
    told = run("ballots", "PL-00001", "--csv", "box.csv", "--json")
    text = (folder / "box.csv").read_text(encoding="utf-8")
    assert "M000" not in text and ",'=1+1" in text
    decided.rename(folder / "elsewhere.db")
    again = run("recount", "box.csv", "--json")
    assert again.document == told.document
    places = {place["option"]: place for place in again.document["places"]}
    assert (places["ROOF"]["approvals"], places["ROOF"]["awarded"], places["VAN"]["won"]) == (3, "400.00", False)
    assert again.document["left"] == "600.00"
    assert run("recount", "box.csv", "--digest", again.document["sha256"]).code == 0
    assert "ROOF" in run("recount", "box.csv").out


def test_an_altered_file_is_refused_and_a_forged_one_is_recognised(decided: Path, run: Run, folder: Path) -> None:
    from coopbank.finance.voting import read_box

    run("ballots", "PL-00001", "--csv", "box.csv")
    text = (folder / "box.csv").read_text(encoding="utf-8")
    (folder / "altered.csv").write_text(text.replace("ballot,ROOF\n", "ballot,VAN\n", 1), encoding="utf-8")
    assert run("recount", "altered.csv", "--json").error["code"] == "ballots-altered"
    real = read_box(text)
    forged = type(real)(**{name: getattr(real, name) for name in real.__dataclass_fields__} | {"ballots": ("VAN",) * 4})
    (folder / "forged.csv").write_text(forged.text(), encoding="utf-8")
    assert run("recount", "forged.csv").code == 0, "by itself it is a box like any other"
    assert run("recount", "forged.csv", "--digest", real.digest, "--json").error["code"] == "ballots-altered"
    assert run("ballots", "PL-00001", "--check", "forged.csv", "--json").error["code"] == "ballots-altered"
    assert run("ballots", "PL-00001", "--check", "box.csv").code == 0
    (folder / "mailed.csv").write_bytes(text.replace("\n", "\r\n").encode())
    assert run("recount", "mailed.csv").code == 0


def test_a_file_is_not_written_over(decided: Path, run: Run, folder: Path) -> None:
    (folder / "box.csv").write_text("mine")
    assert run("ballots", "PL-00001", "--csv", "box.csv").code == 1
    assert (folder / "box.csv").read_text() == "mine"
    assert run("ballots", "PL-00001", "--csv", "none/box.csv").code == 2
    assert run("ballots", "PL-00001", "--csv", "-").out.startswith("coopbank-ballots,1\n")
    assert run("recount", "none.csv").code == 2


def test_voters_read_a_memo_only_with_the_borrowers_consent(decided: Path, run: Run) -> None:
    assert run("voters-papers", "RES-00001", "--json").error["code"] == "not-allowed"
    assert run("voters-papers", "RES-00002", "--json").error["code"] == "unknown"


def test_the_program_counts_as_users_start_it(decided: Path, run: Run, folder: Path) -> None:
    run("ballots", "PL-00001", "--csv", "box.csv")
    with (folder / "box.csv").open("rb") as box:
        answer = program("recount", "-", stdin=box)
    assert answer.code == 0 and "ROOF" in answer.out
