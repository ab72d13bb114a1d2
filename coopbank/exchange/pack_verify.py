#!/usr/bin/env python3
"""Proves an auditor's pack with nothing but Python's standard library.

    python3 verify.py [--key signing-key.pem] [--head NUMBER:HASH16]      in the folder of the pack

It checks, in this order,

    files       each file is the one that SHA256SUMS and MANIFEST.json name, and there is none besides
    signature   MANIFEST.json was signed (Ed25519, RFC 8032) by the key that signed the last close
    log         log/verify.py proves the sealed log, and the log ends at the manifest's head
    closes      each signed close says the hash that its operation has, and the signature is the key's
    journal     ads/GL_Detail and ads/Memo_Detail hold the lines of the log, cent by cent
    balances    ads/Trial_Balance is what those lines come to, account by account and fund by fund
    subledgers  the loans, shares, savings and notes listed are the accounts of the log, one by one, and come to their
                control accounts

A signature proves something only against a key that you had before: give it with --key. Exit 0: proven. 1: not.
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import json
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SHOWN = 20  # faults of a check that are printed


class Proof:
    """The checks so far."""

    def __init__(self) -> None:
        self.faults = 0

    def check(self, name: str, what: str, faults: list[str]) -> None:
        """Print what a check came to."""
        self.faults += len(faults)
        print(f"{'ok   ' if not faults else 'WRONG'}  {name:10}  {what}")
        for fault in faults[:SHOWN]:
            print(f"         {fault}")
        if len(faults) > SHOWN:
            print(f"         and {len(faults) - SHOWN} more")


# ------------------------------------------------------------- Ed25519, RFC 8032, verification only

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493  # order of the base point
D = -121665 * pow(121666, P - 2, P) % P
Point = tuple[int, int, int, int]  # X, Y, Z, T: x = X/Z, y = Y/Z, xy = T/Z


def add(a: Point, b: Point) -> Point:
    """The sum of two points of the curve."""
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar: int, point: Point) -> Point:
    """A point added to itself so many times."""
    total: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point, scalar = add(point, point), scalar >> 1
    return total


def point_of(raw: bytes) -> Point | None:
    """The point that 32 bytes name; None if none."""
    number = int.from_bytes(raw, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def holds(key: bytes, signature: bytes, text: bytes) -> bool:
    """Whether it is that key's signature of that text."""
    if len(key) != 32 or len(signature) != 64 or BASE is None:
        return False
    public, first, s = point_of(key), point_of(signature[:32]), int.from_bytes(signature[32:], "little")
    if public is None or first is None or s >= Q:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % Q
    left, right = times(s, BASE), add(first, times(h, public))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


def key_of(file: Path) -> bytes:
    """The public key in a PEM file: the last 32 bytes of what it holds."""
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("-----")]
    return base64.b64decode("".join(lines))[-32:]


# ----------------------------------------------------------------------------------------- the files


def files(proof: Proof) -> dict[str, Any]:
    """Hashes of all files; returns the manifest."""
    faults: list[str] = []
    named = {}
    for line in (HERE / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        named[name] = digest
    for name, digest in named.items():
        place = HERE / name
        if not place.is_file():
            faults.append(f"{name} is missing")
        elif hashlib.sha256(place.read_bytes()).hexdigest() != digest:
            faults.append(f"{name} is another file than SHA256SUMS names")
    there = {p.relative_to(HERE).as_posix() for p in HERE.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    faults += [f"{name} is named nowhere" for name in sorted(there - named.keys() - {"SHA256SUMS"})]
    manifest: dict[str, Any] = json.loads((HERE / "MANIFEST.json").read_text(encoding="utf-8"))
    if manifest["files"] != {name: digest for name, digest in named.items() if not name.startswith("MANIFEST.json")}:
        faults.append("MANIFEST.json names other hashes than SHA256SUMS")
    proof.check("files", f"{len(named)} files", faults)
    return manifest


def signature(proof: Proof, key: bytes | None) -> None:
    """The manifest's signature."""
    place = HERE / "MANIFEST.json.sig"
    if not place.is_file():
        proof.check("signature", "the pack is not signed", ["a key was given and nothing is signed"] if key else [])
        return
    used = key or key_of(HERE / "signing-key.pem")
    good = holds(used, place.read_bytes(), (HERE / "MANIFEST.json").read_bytes())
    whose = "your key" if key else "the pack's own key: compare it with one that you had before"
    proof.check("signature", f"of {whose} ({used.hex()[:16]})", [] if good else ["the signature is not of that key"])


class Log:
    """What the sealed log says, read for the other checks."""

    def __init__(self) -> None:
        self.accounts: dict[int, tuple[str, str, str, str]] = {}  # control account, fund, contract, currency
        self.lines: dict[int, tuple[str, list[list[int]]]] = {}  # entry: its date and lines
        self.faults: list[str] = []
        self.signed = 0
        self.number, self.hash = 0, ""
        hashes: dict[int, str] = {}
        with (HERE / "log" / "operations.jsonl").open("rb") as lines:
            for raw in lines:
                raw = raw.removesuffix(b"\n")
                self.hash = hashlib.sha256(raw).hexdigest()
                places = json.loads(raw)
                self.number = places[2]
                hashes[self.number] = self.hash
                for row in places[12]:
                    self.row(row, hashes)
                for entry, day, _memo, _reverses, moved in places[11]:
                    self.lines[entry] = day, moved

    def row(self, row: list[Any], hashes: dict[int, str]) -> None:
        """A row of master data: an account, or the signature of a close."""
        if row[0] == "account":
            self.accounts[row[1]] = row[2], row[3], row[4], row[7]
        elif row[0] == "record" and row[1] == "close-signature":
            body, number = row[5], int(row[2])
            self.signed += 1
            if f"hash {hashes.get(number)}\n" not in body["text"]:
                self.faults.append(f"the signature of operation {number} names another hash")
            elif not holds(bytes.fromhex(body["key"]), bytes.fromhex(body["signature"]), body["text"].encode()):
                self.faults.append(f"the signature of operation {number} is false")


def log(proof: Proof, manifest: dict[str, Any], heads: list[str]) -> Log:
    """The chain and the balances, by log/verify.py; then the closes."""
    head = manifest["head"]
    known = [f"{head['number']}:{head['hash']}", *heads]
    ran = subprocess.run(
        [sys.executable, "-I", "verify.py", "operations.jsonl", *(part for h in known for part in ("--head", h))],
        cwd=HERE / "log", capture_output=True, text=True, check=False,
    )  # fmt: skip
    proof.check("log", f"ends at operation {head['number']}", ran.stderr.splitlines() or [] if ran.returncode else [])
    read = Log()
    if (read.number, read.hash) != (head["number"], head["hash"]):
        read.faults.append("the log goes on after the manifest's head")
    proof.check("closes", f"{read.signed} are signed", read.faults)
    return read


# --------------------------------------------------------------------------------------- the figures


def table(name: str) -> list[dict[str, str]]:
    """The rows of a CSV file of the folder ads or pbc; none if it is not there."""
    found = sorted((HERE / name).parent.glob((HERE / name).name))
    if not found:
        return []
    with found[0].open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def minor(text: str, exponent: int) -> int:
    """An amount as whole minor units."""
    return int(Decimal(text).scaleb(exponent))


def journal(proof: Proof, read: Log, first: str, last: str, exponent: int) -> None:
    """Each line of the log that is dated in the period stands in the journal, and nothing else does."""
    told: Counter[tuple[str, ...]] = Counter()
    for row in [*table("ads/GL_Detail_*.csv"), *table("ads/Memo_Detail_*.csv")]:
        signed = minor(row["Amount"], exponent) * (1 if row["Amount_Credit_Debit_Indicator"] == "D" else -1)
        told[row["Journal_ID"], row["Effective_Date"], row["GL_Account_Number"], row["Business_Unit_Code"],
             row["Segment01"], str(signed)] += 1  # fmt: skip
    sealed: Counter[tuple[str, ...]] = Counter()
    for entry, (day, lines) in read.lines.items():
        if first <= day <= last:
            for account, amount in lines:
                control, fund, contract, _currency = read.accounts[account]
                sealed[str(entry), day.replace("-", ""), control, fund, contract, str(amount)] += 1
    faults = [f"{' '.join(line)} stands only in the log" for line in sealed - told]
    faults += [f"{' '.join(line)} stands only in the journal" for line in told - sealed]
    proof.check("journal", f"{sum(told.values())} lines from {first} to {last}", faults)


def balances(proof: Proof, read: Log, first: str, last: str, exponent: int) -> None:
    """The trial balance, before the period and at its end."""
    before: Counter[tuple[str, str]] = Counter()
    after: Counter[tuple[str, str]] = Counter()
    for day, lines in read.lines.values():
        for account, amount in lines:
            control, fund, _contract, currency = read.accounts[account]
            if currency != "MEM" and day <= last:
                after[control, fund] += amount
                before[control, fund] += amount if day < first else 0
    faults = []
    for row in table("ads/Trial_Balance_*.csv"):
        key = row["GL_Account_Number"], row["Business_Unit_Code"]
        said = minor(row["Amount_Beginning"], exponent), minor(row["Amount_Ending"], exponent)
        if said != (before.pop(key, 0), after.pop(key, 0)):
            faults.append(f"account {key[0]} in fund {key[1]} is {said}, and the log says otherwise")
    faults += [f"account {key[0]} in fund {key[1]} is missing" for key, amount in after.items() if amount]
    proof.check("balances", f"trial balance at {last}", faults)


def subledgers(proof: Proof, read: Log, last: str, exponent: int) -> None:
    """Lists of loans, shares, savings and notes against the accounts of the log."""
    leaves: Counter[tuple[str, str, str]] = Counter()
    for day, lines in read.lines.values():
        for account, amount in lines if day <= last else ():
            leaves[read.accounts[account][:3]] += amount
    listed, faults = 0, []
    for name in sorted((HERE / "pbc").glob("*_Trial_Balance.csv")):
        controls: Counter[str] = Counter()
        for row in table(f"pbc/{name.name}"):
            key = row["GL_Account_Number"], row["Business_Unit_Code"], row["Account_ID"]
            listed, said = listed + 1, minor(row["Balance"], exponent)
            controls[key[0]] += said
            if leaves[key] != said:
                faults.append(f"{name.name}: {' '.join(key)} is {row['Balance']}, and the log says {leaves[key]} cents")
        for control, total in controls.items():
            held = sum(amount for (code, _fund, _contract), amount in leaves.items() if code == control)
            if held != total:
                faults.append(f"{name.name}: account {control} comes to {total}, and the log says {held} (minor units)")
    proof.check("subledgers", f"{listed} accounts of members, borrowers and lenders", faults)


def main() -> int:
    parser = argparse.ArgumentParser(description="Proves an auditor's pack.")
    parser.add_argument("--key", type=Path, help="the bank's public signing key, as you had it before")
    parser.add_argument("--head", action="append", default=[], metavar="NUMBER:HASH16",
                        help="a head that was printed before; may be given several times")  # fmt: skip
    options = parser.parse_args()
    proof = Proof()
    try:
        manifest = files(proof)
        signature(proof, key_of(options.key) if options.key else None)
        read = log(proof, manifest, options.head)
        first, last, exponent = manifest["from"], manifest["to"], manifest["minor_digits"]
        journal(proof, read, first, last, exponent)
        balances(proof, read, first, last, exponent)
        subledgers(proof, read, last, exponent)
    except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
        proof.check("pack", "it cannot be read further", [repr(error)])
    print("PROVEN" if not proof.faults else f"NOT PROVEN: {proof.faults} faults")
    return 1 if proof.faults else 0


if __name__ == "__main__":
    sys.exit(main())
