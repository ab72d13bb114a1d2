"""The commands of the institutions around the bank: both forms, nobody named, a register out and in again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coopbank.reports.annual import annual
from tests.documents.cases.commons import LEASE
from tests.documents.gallery_scenes import SCENES
from tests.documents.gallery_stage import Scene, found_scene, run_program
from tests.support_bank import SmallBank, new_bank


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("commons")
    made = found_scene(folder / "book")
    for name in ("town", "commons"):
        made.play(SCENES[name].steps)
    made.play(LEASE)
    made.play(
        "tom+sue define-register template=JOBS\n"
        'ana add-entry register_code=JOBS values=\'{"loan":"L-001","on":"2026-03-02","basis":"actual","created":"2"}\''
    )
    return made


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("solidarity", "S-01"),
        ("registers", "TOOLS"),
        ("register TOOLS", "A drill"),
        ("jobs", "L-001"),
        ("linked", "linked"),
        ("ladder --small 2000.00", "0 of 1"),
        ("federation", "701"),
        ("resale LEASES-00001 --value 90000.00", "cost and half of the rise"),
        ("register TOOLS --csv", "TOOLS-00001"),
    ],
)
def test_a_command_answers_in_words_and_as_json(scene: Scene, command: str, says: str) -> None:
    shown = run_program(scene, f"coopbank {command}")
    assert shown.code == 0, shown.text
    assert says in shown.text and "Lou Bell" not in shown.text
    if "--csv" not in command:
        told = run_program(scene, f"coopbank {command} --json")
        assert told.code == 0
        json.loads(told.text)
        assert "Lou Bell" not in told.text


def test_a_register_goes_out_and_comes_in_again(scene: Scene, tmp_path: Path) -> None:
    out = run_program(scene, "coopbank register TOOLS --csv").text
    (scene.folder / "tools.csv").write_text(out.replace("A drill", "A saw"))
    names = "entry,version,state,entered_on,why"
    ignored = " ".join(f"--ignore {name}" for name in names.split(","))
    shown = run_program(scene, f"coopbank --as ana import entries tools.csv --dry-run {ignored}")
    assert shown.code == 0, shown.text


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_annual_report_is_drawn_in_both_languages(scene: Scene, language: str) -> None:
    shown = run_program(scene, f"coopbank document assembly-report --language {language} --folder {language}")
    assert shown.code == 0, shown.text
    assert list((scene.folder / language).glob("**/*.pdf"))


def test_the_annual_report_tells_what_was_done_around_the_bank(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "book.db")) as bank:
        _lived(bank)
        with bank.read() as books:
            told = annual(books, 2026)
    assert [(row.aid_kind, row.cases, row.amount) for row in told.aid] == [("other", 1, 4000)]
    assert [(each.register, each.entries) for each in told.registers] == [("VOLUNTEERS", 1)]
    assert "Lou" not in str(told) and told.jobs_created == 0


def _lived(bank: SmallBank) -> None:
    bank.agreed("open-fund", by=bank.tom, approver=bank.sue, code="SOL", fund_name="S", fund_class="designated")
    bank.do("receive-gift", by=bank.tom, amount="900.00", donor="Many", fund="SOL", tender="transfer")
    bank.agreed(
        "give-aid", recipient="Lou", aid_kind="ride", amount="40.00", need="x", criteria="x", relation="x",
        tender="transfer",
    )  # fmt: skip
    bank.agreed("define-register", by=bank.tom, approver=bank.sue, template="VOLUNTEERS")
    values = {"who": "Lou", "on": "2026-03-02", "hours": "4", "work": "care"}
    bank.do("add-entry", register_code="VOLUNTEERS", values=values)
