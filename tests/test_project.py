"""The frame of the project: what a stranger with a fresh clone would trip over."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path
from string import Formatter

import pytest
from babel.messages import Message
from babel.messages.pofile import read_po
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from coopbank.words import LANGUAGES

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ["requirements.lock", "requirements-dev.lock"]
# What stays as it is in every language: F9, --db, coopbank login, (open-day).
COMMANDS = "demo|import|init|login|members|operations|passphrase|restore|upgrade|verify"
KEYS = re.compile(rf"\bF[0-9]{{1,2}}\b|--[a-z]+|coopbank (?:{COMMANDS})\b|\([a-z]+-[a-z-]+\)")

# Written in pieces, so that this file does not hold what it looks for.
REGISTRIES = ["pypi" + r"\.org", "python" + "hosted", "npm" + r"js\.(?:org|com)", "deb" + r"\.debian"]
PLACES = "|".join(["wo" + "rk", "ro" + "ot", "ho" + "me", "Us" + "ers", "opt/" + "py"])
FOREIGN = re.compile("|".join([*REGISTRIES, rf"(?<![\w.$}})\-])/(?:{PLACES})/"]), re.IGNORECASE)


def tracked_files() -> list[str]:
    """Names of the files that git tracks."""
    if not (ROOT / ".git").exists():
        pytest.skip("a copy without git tracks nothing")
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [name for name in listing.split("\0") if (ROOT / name).is_file()]
    assert "pyproject.toml" in names
    return names


def locked(lock: str) -> dict[str, Requirement]:
    """The requirements of a lock file by name."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    lines = re.findall(r"^([A-Za-z0-9][^\\\n]*)", text, re.MULTILINE)
    return {canonicalize_name(r.name): r for r in map(Requirement, lines)}


def declared(*groups: str) -> list[Requirement]:
    """The requirements of pyproject.toml: what runs, the extras, and the named groups."""
    project = PYPROJECT["project"]
    lines = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        lines += extra
    for group in groups:
        lines += PYPROJECT["dependency-groups"][group]
    return [Requirement(line) for line in lines]


def licence(name: str) -> str:
    """What a package says about its own licence, in whichever of the three fields it uses."""
    about = metadata.metadata(name)
    classifiers = [c for c in about.get_all("Classifier", []) if c.startswith("License ::")]
    first_line = (about.get("License") or "").strip().split("\n")[0]
    return " | ".join([about.get("License-Expression") or "", first_line, *classifiers]).strip(" |")


@pytest.mark.parametrize(
    ("text", "is_foreign"),
    [
        ("index https://" + "pypi" + ".org/simple", True),
        ("cd /" + "work/main", True),
        ("at '/" + "home/ann/ledger.db'", True),
        ("docs/" + "work/plan.md", False),
        ("../" + "work/plan.md", False),
        ("<a href='${HOME}/" + "root/x'>", False),
    ],
)
def test_the_search_for_foreign_places_finds_them(text: str, is_foreign: bool) -> None:
    assert bool(FOREIGN.search(text)) is is_foreign


def test_no_registry_and_no_machine_stands_in_a_tracked_file() -> None:
    found = []
    for name in tracked_files():
        content = (ROOT / name).read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8").splitlines(), 1):
            match = FOREIGN.search(line)
            if match and not name.endswith(".svg"):
                found.append(f"{name}:{number}: {match[0]}")
    assert found == []


def test_what_the_program_makes_is_not_tracked() -> None:
    names = tracked_files()
    made = [n for n in names if re.search(r"(^|/)(ledger\.db|statements/.*\.pdf|anchors\.log)|\.db(-wal|-shm)?$", n)]
    assert made == []


def test_no_tracked_file_is_large() -> None:
    large = [n for n in tracked_files() if (ROOT / n).stat().st_size > 1_500_000]
    assert large == []


@pytest.mark.parametrize("lock", [*LOCKS, "requirements-audit.lock", "requirements-fuzz.lock"])
def test_every_locked_requirement_is_exact_and_has_hashes(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    assert blocks[0] == "", "a lock file begins with a requirement, not with how or where it was made"
    assert len(blocks) > 20 or lock == "requirements-fuzz.lock"
    for block in blocks[1:]:
        assert re.match(r"[a-z0-9-]+==\S+( ; [^\\]+)? \\\n( +--hash=sha256:[0-9a-f]{64}( \\)?\n)+\Z", block), block


@pytest.mark.parametrize(("lock", "groups"), [(LOCKS[0], ["build"]), (LOCKS[1], ["build", "dev"])])
def test_what_is_declared_is_locked_within_its_range(lock: str, groups: list[str]) -> None:
    pins = locked(lock)
    for requirement in declared(*groups):
        pin = pins.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement} is not in {lock}: make lock"
        version = next(iter(pin.specifier)).version
        assert requirement.specifier.contains(version), f"{lock} has {pin}, wanted is {requirement}: make lock"


def test_the_development_lock_agrees_with_the_other() -> None:
    runtime, development = locked(LOCKS[0]), locked(LOCKS[1])
    assert {n: str(r) for n, r in runtime.items()} == {n: str(development[n]) for n in runtime}


def test_the_bill_of_materials_lists_what_is_locked() -> None:
    command = [sys.executable, str(ROOT / ".ci" / "sbom.py"), str(ROOT / LOCKS[0])]
    made = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert made[0] == made[1], "the same lock, the same document"
    bill = json.loads(made[0])
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    listed = {canonicalize_name(part["name"]): part for part in bill["components"]}
    assert listed.keys() == locked(LOCKS[0]).keys()
    assert all(part["purl"] and part["properties"] for part in listed.values())
    assert bill["dependencies"][0]["dependsOn"] == [part["bom-ref"] for part in bill["components"]]


def test_the_build_backend_comes_from_the_lock() -> None:
    wanted = {canonicalize_name(Requirement(line).name) for line in PYPROJECT["build-system"]["requires"]}
    assert wanted <= locked(LOCKS[0]).keys()


def test_textual_comes_without_the_syntax_extra() -> None:
    assert not [r for r in declared("dev") if r.name == "textual" and r.extras]
    assert not [name for name in locked(LOCKS[1]) if name.startswith("tree-sitter")]


def test_nothing_that_runs_is_under_the_agpl_or_gpl() -> None:
    forbidden = re.compile(r"AGPL|Affero|(?<!L)GPL|(?<!Lesser )General Public", re.IGNORECASE)
    allowed = re.compile(r"LGPL|Lesser General Public", re.IGNORECASE)
    unknown, refused = [], []
    for name, requirement in locked(LOCKS[0]).items():
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        says = licence(name)
        if not says:
            unknown.append(name)
        if forbidden.search(allowed.sub("", says)):
            refused.append(f"{name}: {says}")
    assert (unknown, refused) == ([], [])


def test_every_runtime_dependency_has_its_reason() -> None:
    decisions = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8").lower()
    assert [r.name for r in declared("build") if f"`{r.name}`".lower() not in decisions] == []


def test_the_catalogues_are_current() -> None:
    """Every text of the source is in the catalogue, and the compiled form is that of the catalogue."""
    run = subprocess.run(
        [sys.executable, ".ci/words.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, f"make words: {run.stdout}{run.stderr}"


def catalogue(language: str) -> list[Message]:
    """The texts of a catalogue."""
    path = ROOT / "coopbank" / "locale" / language / "LC_MESSAGES" / "coopbank.po"
    with path.open("rb") as source:
        return [message for message in read_po(source, locale=language) if message.id]


#: Words that Spanish has for what is called otherwise everywhere else, and the English that may be meant by them.
OTHER_WORDS = (
    (r"\bsoci[oa]s?\b", ""), (r"\bparticipaci", "articipation"), (r"\brecargo", ""), (r"\bpulse\b", ""),
    (r"\bpatrocinio", "ponsor"),
)  # fmt: skip


def test_a_thing_has_one_word_in_spanish() -> None:
    """A certificate spoke of `socios` and `participaciones`, a statement of `miembros` and `acciones`."""
    wrong = [
        message.string
        for message in catalogue("es")
        for word, meant in OTHER_WORDS
        if re.search(word, message.string, re.IGNORECASE) and not (meant and meant in message.id)
    ]
    assert wrong == []


def placeholders(text: str) -> list[tuple[str, ...]]:
    """The values that a template takes, with how each is shown."""
    return sorted(
        (name, spec or "", kind or "") for _t, name, spec, kind in Formatter().parse(text) if name is not None
    )


def faults_of(message: Message) -> list[str]:
    """What is wrong with a translation."""
    source, said = str(message.id), str(message.string or "")
    if not said:
        return [f"not translated: {source}"]
    found = ["fuzzy"] if message.fuzzy else []
    if placeholders(source) != placeholders(said):
        found.append("other values")
    if (source[:1].isspace(), source[-1:].isspace()) != (said[:1].isspace(), said[-1:].isspace()):
        found.append("other spaces at its ends")
    if sorted(KEYS.findall(source)) != sorted(KEYS.findall(said)):
        found.append("other keys or commands")
    return [f"{fault}: {source!r} is {said!r}" for fault in found]


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_every_text_is_translated_with_the_values_that_it_has(language: str) -> None:
    texts = catalogue(language)
    assert len(texts) > 1000
    assert [fault for message in texts for fault in faults_of(message)] == []


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("", "not translated"),
        ("Solo {avaliable} con F2.", "other values"),
        ("Solo {available:>3} con F2.", "other values"),
        ("Solo {available} con F3.", "other keys"),
        ("Solo {available} con F2. ", "other spaces"),
        ("Solo {available} con F2.", None),
    ],
)
def test_a_translation_that_says_something_else_is_found(said: str, fault: str | None) -> None:
    found = faults_of(Message("Only {available} by F2.", said))
    assert [each.split(":")[0][: len(fault)] for each in found] == [fault] if fault else found == []


def test_what_a_form_shows_is_in_the_catalogue() -> None:
    """Texts that stand in no `_()`: titles, fields, choices, reasons, labels of receipts, names, states."""
    held = {str(message.id) for message in catalogue("es")}
    assert {
        "Loan payment",
        "Take a payment on a loan: interest to the day it counts from, then principal, or as its terms say.",
        "Language of statements",
        "organisation",
        "What a gift is spent on is decided by two people.",
        "New balance",
        "Difference",
        "Drawer {drawer} is {difference}: say why.",
        "Claim on pooled cash",
        "Revolving loan capital",
        "treasurer",
        "{place} holds only {available} in cash.",
        "Did you mean {close}?",
        "Income taken back",
        "Seasonal loan, paid after the harvest",
        "doubtful",
        "over 180",
        "charged off",
        "overdue",
        "re-amortization",
    } <= held
    assert {text for text in held if not any(letter.isalpha() for letter in text)} == set()


def test_states_of_records_are_collected() -> None:
    """Where bank/records.py lists the states of a record, each of them is in the catalogue."""
    source = (ROOT / "coopbank" / "bank" / "records.py").read_text(encoding="utf-8")
    listed = re.findall(r'\bstate: str = "([a-z-]+)"(?:  # ([^:\n]+))?', source)
    named = {word.strip() for default, others in listed for word in (default, *others.split(","))} - {""}
    assert len(named) > 20
    assert named - {str(message.id) for message in catalogue("es")} == set()


def test_the_package_holds_everything_that_is_not_python(tmp_path: Path) -> None:
    """SQL, styles, fonts and catalogues are found beside the code, in an installed copy too."""
    run = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert {n for n in tracked_files() if n.startswith("coopbank/")} - inside == set()


def test_a_fresh_postgresql_is_real_and_its_own(new_engine_url, postgresql_url: str) -> None:
    """The fixture that every ledger test rests on gives a place that nobody else writes to."""
    first, second = new_engine_url("one"), new_engine_url("two")
    assert first != second
    assert first.startswith("postgresql+psycopg://") or Path(first).suffix == ".db"
    assert postgresql_url.startswith("postgresql+psycopg://postgres@/postgres?host=")
