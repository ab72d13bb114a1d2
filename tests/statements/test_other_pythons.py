"""The same bytes from another Python: `make soak` installs the locked requirements there and draws again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.statements.village import Village

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]

_DRAW = """
import hashlib, sys
from datetime import date
from coopbank.bank.bank import Bank
from coopbank.statements import Copy, make
bank = Bank.open(sys.argv[1], read_only=True)
for kind, about, start, end in eval(sys.argv[2]):
    for size in ("normal", "large"):
        for language in ("en", "es"):
            copy = Copy(language=language, print_size=size)
            days = [date.fromisoformat(text) for text in (start, end)]
            print(kind, about, size, language, make(bank, kind, about, *days, folder=sys.argv[3], copy=copy).sha256)
bank.close()
"""


def other_python() -> str | None:
    """An interpreter of another version that the project supports."""
    for minor in (14, 13, 12, 11):
        found = shutil.which(f"python3.{minor}")
        works = found and subprocess.run([found, "-c", "import venv, ensurepip"], capture_output=True, check=False)
        if found and works and not works.returncode and minor != sys.version_info[1]:
            return found
    return None


def test_another_python_and_another_hash_seed_draw_the_same_bytes(village: Village, tmp_path: Path) -> None:
    python = other_python()
    if python is None:
        pytest.skip("there is no other Python here")
    papers = repr([(kind, about, str(start), str(end)) for kind, about, start, end in village.papers])
    there = tmp_path / "venv"
    subprocess.run([python, "-m", "venv", str(there)], check=True)
    pip = [str(there / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes", "-r"]
    subprocess.run([*pip, str(ROOT / "requirements.lock")], check=True)
    place, said = village.bank.database.place, []
    for interpreter, seed, zone in ((sys.executable, "1", "UTC"), (str(there / "bin" / "python"), "2", "Asia/Tokyo")):
        run = subprocess.run(
            [interpreter, "-c", _DRAW, place, papers, str(tmp_path / seed)], check=True, capture_output=True, text=True,
            env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed, "TZ": zone},
        )  # fmt: skip
        said.append(run.stdout.splitlines())
    assert said[0] == said[1] and len(said[0]) == 4 * len(village.papers)
