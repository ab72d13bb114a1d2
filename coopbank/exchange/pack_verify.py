#!/usr/bin/env python3
"""Proves an auditor's pack with nothing but Python's standard library.

    python3 verify.py [--key signing-key.pem] [--head NUMBER:HASH16]      in the folder of the pack

It checks, in this order,

    files       each file is the one that SHA256SUMS and MANIFEST.json name, and there is none besides
    signature   MANIFEST.json was signed (Ed25519, RFC 8032) by the key that you give, or by one that it endorsed in the
                log; or, if you give none, by the pack's own
    log         log/verify.py proves the sealed log; the chain holds, entries balance, it ends at the manifest's head
    closes      each signed close says the hash that its operation has, and the signature is the key's in force then;
                each key but the first was endorsed by the one before
    journal     ads/GL_Detail and ads/Memo_Detail hold the lines of the log, cent by cent
    balances    ads/Trial_Balance is what those lines come to, account by account and fund by fund
    subledgers  the loans, shares, savings, notes, cash, claims and debts listed are all accounts of the log under their
                control accounts, one by one

A signature proves something only against a key that you had before: give it with --key. Exit 0: proven. 1: not.
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SHOWN = 20  # faults of a check that are printed
DIGITS = {  # currencies by the decimals that they have (ISO 4217); the others have two
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF", 3: "BHD IQD JOD KWD LYD OMR TND",
}  # fmt: skip
LISTED = {  # the control accounts whose leaves each list of the folder pbc holds
    "Share": {"901", "903", "875", "905", "945", "946", "950"}, "Loan": {"701", "702", "781", "871"},
    "Note": {"811", "812", "851"}, "Cash": {"731", "735", "739", "741"},
    "Receivable": {"728", "782", "784", "791", "792"},
    "Payable": {"801", "821", "823", "825", "831", "842", "862", "865", "872", "878", "892", "893"},
}  # fmt: skip


#: What a spreadsheet that has the workbook open, or a file manager, leaves there; nobody reads it.
LEFT = re.compile(r"([^/]+/)?(\.~lock\.[^/]*#|~\$[^/]*|\.DS_Store)")
CACHE = ", a cache of bean-check: delete it, and give bean-check --no-cache"


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
    if public is None or first is None or s >= Q or times(8, public)[0] % P == 0:  # of small order: anybody signs
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % Q
    left, right = times(s, BASE), add(first, times(h, public))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


def key_of(file: Path) -> bytes:
    """The public key in a PEM file, or in one of 64 hexadecimal digits; refuses another kind of key, and none."""
    text = file.read_text(encoding="utf-8")
    if re.fullmatch(r"[0-9a-f]{64}", text.strip()):
        return bytes.fromhex(text.strip())
    lines = [line for line in text.splitlines() if line and not line.startswith("-----")]
    raw = base64.b64decode("".join(lines), validate=True)
    if len(raw) != 44 or not raw.startswith(bytes.fromhex("302a300506032b6570032100")):
        raise ValueError(f"{file.name} holds no public Ed25519 key")
    return raw[-32:]


# ----------------------------------------------------------------------------------------- the files


def files(proof: Proof) -> dict[str, Any]:
    """Hashes of all files; returns the manifest."""
    faults: list[str] = []
    named: dict[str, str] = {}
    for line in (HERE / "SHA256SUMS").read_text(encoding="utf-8").split("\n")[:-1]:
        digest, _, name = line.partition("  ")
        if not re.fullmatch(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*", name) or ".." in name.split("/") or name in named:
            faults.append(f"{name[:80]!r} is no name of a file of a pack, or is named twice")
            continue
        named[name] = digest
    for name, digest in named.items():
        place = HERE / name
        if not place.is_file():
            faults.append(f"{name} is missing")
        elif hashlib.sha256(place.read_bytes()).hexdigest() != digest:
            faults.append(f"{name} is another file than SHA256SUMS names")
    inside = [p for p in HERE.rglob("*") if "__pycache__" not in p.relative_to(HERE).parts]
    there = {p.relative_to(HERE).as_posix() for p in inside if not p.is_dir() or p.is_symlink()}
    for name in sorted(there - named.keys() - {"SHA256SUMS"}):
        if not LEFT.fullmatch(name) or (HERE / name).is_symlink():
            faults.append(f"{name} is named nowhere{CACHE if name.endswith('.picklecache') else ''}")
    faults += [f"{p.relative_to(HERE).as_posix()} is a link, no file" for p in inside if p.is_symlink()]
    manifest: dict[str, Any] = read_json((HERE / "MANIFEST.json").read_bytes())
    own = ("MANIFEST.json", "MANIFEST.json.sig")
    if manifest["files"] != {name: digest for name, digest in named.items() if name not in own}:
        faults.append("MANIFEST.json names other hashes than SHA256SUMS")
    for wanted in ("log/operations.jsonl", "log/verify.py", *(f"pbc/{name}_Trial_Balance.csv" for name in LISTED)):
        if wanted not in manifest["files"]:
            faults.append(f"{wanted} belongs to a pack, and MANIFEST.json does not name it")
    digits = next((count for count, codes in DIGITS.items() if manifest["currency"] in codes.split()), 2)
    if type(manifest["minor_digits"]) is not int or manifest["minor_digits"] != digits:
        faults.append(f"{manifest['currency']} has not {manifest['minor_digits']!r} decimals")
    proof.check("files", f"{len(named)} files", faults)
    return manifest


def read_json(raw: bytes) -> Any:
    """JSON that says one thing only: no name twice, and nothing but whole numbers."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError(f"a name stands twice: {[name for name, _ in pairs]}"[:200])
        return dict(pairs)

    def refuse(text: str) -> None:
        raise ValueError(f"{text[:20]} is no whole number")

    return json.loads(raw.decode("utf-8"), object_pairs_hook=once, parse_float=refuse, parse_constant=refuse)


def signature(proof: Proof, key: bytes | None, successors: dict[bytes, bytes]) -> None:
    """The manifest's signature: by the key, or by one that it named its successor."""
    place = HERE / "MANIFEST.json.sig"
    if not place.is_file():
        faults = [] if key is None else ["a key was given and nothing is signed: have the pack made by the treasurer"]
        proof.check("signature", "the pack is not signed", faults)
        return
    signed = (HERE / "MANIFEST.json").read_bytes()
    used = key_of(HERE / "signing-key.pem") if key is None else key
    whose = "your key" if key is not None else "the pack's own key: compare it with one that you had before"
    if key is not None:
        while not holds(used, place.read_bytes(), signed) and used in successors:
            used = successors.pop(used)
        if used != key:
            whose = f"{used.hex()[:16]}, which follows your key"
    good = holds(used, place.read_bytes(), signed)
    of = key if key is not None else used
    proof.check("signature", f"of {whose} ({of.hex()[:16]})", [] if good else ["the signature is not of that key"])


class Log:
    """What the sealed log says, read for the other checks."""

    def __init__(self) -> None:
        self.accounts: dict[int, tuple[str, str, str, str]] = {}  # control account, fund, contract, currency
        self.lines: dict[int, tuple[str, list[list[int]]]] = {}  # entry: its date and lines
        self.faults: list[str] = []
        self.chain: list[str] = []  # what does not follow, or does not balance
        self.signed = 0
        self.book, self.key = "", ""
        self.successors: dict[bytes, bytes] = {}  # a signing key: the one that it endorsed
        self.number, self.hash = 0, "0" * 64
        hashes: dict[int, str] = {}
        with (HERE / "log" / "operations.jsonl").open("rb") as lines:
            for raw in lines:
                raw = raw.removesuffix(b"\n")
                places = read_json(raw)
                self.book = self.book or places[1]
                if (places[1], places[2], places[13]) != (self.book, self.number + 1, self.hash):
                    self.chain.append(f"operation {places[2]!r} does not follow operation {self.number}")
                self.number, self.hash = places[2], hashlib.sha256(raw).hexdigest()
                hashes[self.number] = self.hash
                for row in places[12]:
                    self.row(row, hashes)
                for entry, day, _memo, _reverses, moved in places[11]:
                    self.entry(entry, day, moved)

    def entry(self, number: int, day: str, moved: list[list[int]]) -> None:
        """One entry: its place, and that it balances in each currency and fund."""
        sums: Counter[tuple[str, str]] = Counter()
        for account, amount in moved:
            _control, fund, _contract, currency = self.accounts[account]
            sums[currency, fund] += amount
        if number != len(self.lines) + 1 or any(sums.values()):
            self.chain.append(f"entry {number!r} does not follow the one before it, or does not balance")
        self.lines[number] = day, moved

    def row(self, row: list[Any], hashes: dict[int, str]) -> None:
        """A row of master data: an account, or the signature of a close."""
        if row[0] == "account":
            self.accounts[row[1]] = row[2], row[3], row[4], row[7]
        elif row[0] == "record" and row[1] == "signing-key":
            self.next_key(row[5])
        elif row[0] == "record" and row[1] == "close-signature":
            body, number = row[5], int(row[2])
            self.signed += 1
            if f"hash {hashes.get(number)}\n" not in body["text"]:
                self.faults.append(f"the signature of operation {number} names another hash")
            elif body["key"] != self.key:
                self.faults.append(f"the signature of operation {number} is of a key that was not in force")
            elif not holds(bytes.fromhex(body["key"]), bytes.fromhex(body["signature"]), body["text"].encode()):
                self.faults.append(f"the signature of operation {number} is false")

    def next_key(self, body: dict[str, Any]) -> None:
        """A signing key: the first one, or one that the key before it endorsed."""
        if self.key:
            before, text = bytes.fromhex(self.key), f"coopbank next key 1\nsign {body['sign']}\nseal {body['seal']}\n"
            if holds(before, bytes.fromhex(body["endorsement"] or ""), text.encode()):
                self.successors[before] = bytes.fromhex(body["sign"])
            else:
                self.faults.append(f"the key {body['sign'][:16]} is not endorsed by the one before it")
        self.key = body["sign"]


def log(proof: Proof, read: Log, manifest: dict[str, Any], heads: list[str]) -> None:
    """The chain and the balances, by log/verify.py; then the closes."""
    head = manifest["head"]
    known = [f"{head['number']}:{head['hash']}", *heads]
    ran = subprocess.run(
        [sys.executable, "-I", "verify.py", "operations.jsonl", *(part for h in known for part in ("--head", h))],
        cwd=HERE / "log", capture_output=True, text=True, check=False,
    )  # fmt: skip
    faults = [*read.chain, *(ran.stderr.splitlines() or ["log/verify.py ended badly"] if ran.returncode else [])]
    if (read.number, read.hash) != (head["number"], head["hash"]):
        faults.append("the log does not end at the manifest's head")
    if read.book != manifest["book"]:
        faults.append("the log is of another book than the manifest")
    if {currency for *_, currency in read.accounts.values()} - {"MEM", manifest["currency"]}:
        faults.append("the log is in another currency than the manifest")
    proof.check("log", f"ends at operation {head['number']}", faults)
    if read.key and key_of(HERE / "signing-key.pem").hex() != read.key:
        read.faults.append("signing-key.pem is not the key that the log says")
    proof.check("closes", f"{read.signed} are signed", read.faults)


# --------------------------------------------------------------------------------------- the figures


def table(name: str) -> list[dict[str, str]]:
    """The rows of a CSV file of the folder ads or pbc, of which there is exactly one."""
    found = sorted((HERE / name).parent.glob((HERE / name).name))
    if len(found) != 1:
        raise ValueError(f"there is not one {name}, but {len(found)}")
    with found[0].open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, strict=True)
        if not rows.fieldnames:
            raise ValueError(f"{found[0].name} has no heading")
        if len(set(rows.fieldnames or ())) != len(rows.fieldnames or ()):
            raise ValueError(f"{found[0].name} has a column twice")
        return list(rows)


def minor(text: str, exponent: int) -> int:
    """An amount as whole minor units; refuses one with other decimals than the currency has."""
    if not re.fullmatch(r"-?[0-9]{1,20}" + (rf"\.[0-9]{{{exponent}}}" if exponent else ""), text):
        raise ValueError(f"{text[:40]!r} is no amount with {exponent} decimals")
    return int(text.replace(".", ""))


def journal(proof: Proof, read: Log, first: str, last: str, exponent: int) -> None:
    """Each line of the log that is dated in the period stands in the journal, and nothing else does."""
    told: Counter[tuple[str, ...]] = Counter()
    for row in [*table("ads/GL_Detail_*.csv"), *table("ads/Memo_Detail_*.csv")]:
        signed = minor(row["Amount"], exponent) * {"D": 1, "C": -1}[row["Amount_Credit_Debit_Indicator"]]
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
    faults, seen = [], set()
    for row in table("ads/Trial_Balance_*.csv"):
        key = row["GL_Account_Number"], row["Business_Unit_Code"]
        if key in seen:
            faults.append(f"account {key[0]} in fund {key[1]} stands twice")
        seen.add(key)
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
    for name, controls in LISTED.items():
        left = {key: amount for key, amount in leaves.items() if key[0] in controls and amount}
        seen = set()
        for row in table(f"pbc/{name}_Trial_Balance.csv"):
            key = row["GL_Account_Number"], row["Business_Unit_Code"], row["Account_ID"]
            listed, said = listed + 1, minor(row["Balance"], exponent)
            if key in seen or key[0] not in controls:
                faults.append(f"{name}: {' '.join(key)} stands twice, or in the wrong list")
            elif left.pop(key, 0) != said:
                faults.append(
                    f"{name}: {' '.join(key)} is {row['Balance']}, and the log says {leaves[key]} minor units"
                )
            seen.add(key)
        faults += [f"{name}: {' '.join(key)} is missing" for key in left]
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
        key, read = key_of(options.key) if options.key else None, Log()
        signature(proof, key, dict(read.successors))
        log(proof, read, manifest, options.head)
        first, last, exponent = manifest["from"], manifest["to"], manifest["minor_digits"]
        journal(proof, read, first, last, exponent)
        balances(proof, read, first, last, exponent)
        subledgers(proof, read, last, exponent)
    except (OSError, ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError,
            csv.Error) as error:  # fmt: skip
        proof.check("pack", "it cannot be read further", [repr(error)[:300]])
    print("PROVEN" if not proof.faults else f"NOT PROVEN: {proof.faults} faults")
    return 1 if proof.faults else 0


if __name__ == "__main__":
    sys.exit(main())
