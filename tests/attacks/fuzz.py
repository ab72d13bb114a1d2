"""A fuzzer that follows coverage, on every reader of test_parsers.py: `make fuzz`.

    python -m tests.attacks.fuzz                      # each reader for a minute
    python -m tests.attacks.fuzz --seconds 600 camt.053 "loan terms"

atheris (libFuzzer) changes the bytes so that they reach code that no bytes before them reached, which Hypothesis does
not do. It has to count branches from the first import on, and it ends its process: so each reader gets one of its
own. What is no refusal of coopbank/errors.py, and what takes longer than LONGEST seconds, is a fault; the bytes that
show it are kept in a file, which is named.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SECONDS = 60
LONGEST = 20
TOP = Path(__file__).resolve().parents[2]


def fuzz(name: str, folder: Path, seconds: int) -> None:
    """In this process, which ends with it: 0, or what libFuzzer ends with when it found something."""
    import atheris

    with atheris.instrument_imports(include=["coopbank"]):
        from tests.attacks import test_parsers as parsers
    from coopbank.errors import CoopbankError
    from tests.support_bank import new_bank

    os.environ.update(XDG_CONFIG_HOME=str(folder), XDG_STATE_HOME=str(folder))
    small = new_bank(str(folder / "book.db")).__enter__()
    small.admit("Mia Lee")
    small.do("open-savings", member="M0001")
    reader, example = parsers.READERS[name]
    desk = parsers.Desk(small, folder / "any")
    seeds = folder / "seeds"
    seeds.mkdir()
    (seeds / "example").write_bytes(example if isinstance(example, bytes) else example.encode())
    words = folder / "words"
    words.write_text("".join(f'"{word}"\n' for word in map(escaped, parsers.TOKENS) if word))

    def once(content: bytes) -> None:
        try:
            reader(desk, content)
        except CoopbankError as refusal:
            str(refusal).encode()

    limits = [f"-max_total_time={seconds}", f"-timeout={LONGEST}", "-max_len=4096", "-rss_limit_mb=4096"]
    kept = f"-artifact_prefix={folder}/found-"
    atheris.Setup([sys.argv[0], *limits, kept, f"-dict={words}", str(seeds)], once)
    atheris.Fuzz()


def escaped(token: bytes) -> str:
    """As libFuzzer writes a word; "" for what is too long to be one."""
    return "".join(f"\\x{byte:02x}" for byte in token) if len(token) <= 64 else ""


def in_a_process(name: str, seconds: int) -> str:
    """What the fuzzer found in this reader; "" if nothing."""
    with tempfile.TemporaryDirectory(prefix="coopbank-fuzz-", ignore_cleanup_errors=True) as folder:
        asked = [sys.executable, "-m", "tests.attacks.fuzz", "--in", folder, "--seconds", str(seconds), name]
        done = subprocess.run(asked, cwd=TOP, capture_output=True, text=True, errors="replace", check=False)
        if done.returncode == 0:
            return ""
        shown = [f"{file.name}: {file.read_bytes()[:2000]!r}" for file in sorted(Path(folder).glob("found-*"))]
        return "\n".join([*shown, done.stdout[-3000:], done.stderr[-3000:]])


def main() -> int:
    asked = argparse.ArgumentParser(description="Fuzz the readers of what comes from outside.")
    asked.add_argument("readers", nargs="*", help="which; all when none is named")
    asked.add_argument("--seconds", type=int, default=SECONDS, help="how long each is tried")
    asked.add_argument("--in", dest="folder", type=Path, help=argparse.SUPPRESS)
    said = asked.parse_args()
    if said.folder is not None:
        fuzz(said.readers[0], said.folder, said.seconds)
        return 0
    from tests.attacks.test_parsers import READERS  # not before: what is loaded already is not followed

    unknown = sorted(set(said.readers) - set(READERS))
    if unknown:
        asked.error(f"no such reader: {', '.join(unknown)}; there are {', '.join(READERS)}")
    faults = 0
    for name in said.readers or READERS:
        found = in_a_process(name, said.seconds)
        faults += bool(found)
        print(f"{name}: {found or f'nothing found in {said.seconds} s'}", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
