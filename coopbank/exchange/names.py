"""Names and texts of the books as plain-text accounting programs can read them.

A leaf becomes an account name of beancount and hledger:

    root : fund : control account [: contract]      Liabilities:GEN:905:M0007

The root says what it is (memo accounts stand under Equity, in the commodity MEM). No
name of a person is ever in it, only the codes of the books. Beancount is the stricter
program: a part begins with A-Z or 0-9 and goes on with letters, digits and hyphens. So

    any other character, and a hyphen that no letter or digit follows, is --HEX-
    a part that would begin otherwise gets 0--- before it

and since an escape has at least one digit, both can be undone: `leaf_of` gives the codes
back, whatever characters they are made of.

A memo becomes one line (`one_line`): line breaks, control characters and the marks that
turn the direction of writing are shown as \\n, \\x07 or \\u202e, and a backslash as two.
"""

from __future__ import annotations

import re
from typing import Final

from coopbank.errors import InvalidValue
from coopbank.money import quoted

ROOTS: Final = {
    "asset": "Assets",
    "liability": "Liabilities",
    "equity": "Equity",
    "income": "Income",
    "expense": "Expenses",
    "memo": "Equity",
}
"""The root of the account names of each kind."""

_PREFIX: Final = "0---"
_ESCAPED: Final = re.compile(r"[^A-Za-z0-9-]|-(?![A-Za-z0-9])")
_ESCAPE: Final = re.compile(r"--([0-9a-f]+)-")
_PART: Final = re.compile(r"[A-Z0-9][A-Za-z0-9-]*")


def account_name(kind: str, fund: str, gl_code: str, contract: str) -> str:
    """The account name of a leaf."""
    name = f"{ROOTS[kind]}:{_part(fund)}:{_part(gl_code)}"
    return f"{name}:{_part(contract)}" if contract else name


def leaf_of(name: str) -> tuple[str, str, str]:
    """Fund, control account and contract of an account name; the contract is empty if there is none."""
    parts = name.split(":")
    if len(parts) not in (3, 4) or parts[0] not in ROOTS.values() or not all(map(_PART.fullmatch, parts)):
        raise InvalidValue("{name} is not an account name of an export.", field="account", name=quoted(name))
    fund, gl_code, contract = (_code(part) for part in (*parts[1:], "")[:3])
    return fund, gl_code, contract


def _part(code: str) -> str:
    escaped = _ESCAPED.sub(lambda found: f"--{ord(found[0]):x}-", code)
    return escaped if _PART.match(escaped) else _PREFIX + escaped


def _code(part: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), part.removeprefix(_PREFIX))


# -------------------------------------------------------------------------------------- texts

# Controls, half characters, line and paragraph separators, invisible marks of direction; not the joiners of emoji.
_UNSEEN: Final = re.compile(
    "[\\\\\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
    r"|\A\s|\s\Z"
)
_SHOWN: Final = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_MEANT: Final = {shown[1]: meant for meant, shown in _SHOWN.items()}
_SHOWN_ESCAPE: Final = re.compile(r"\\(?:([\\nrt])|x([0-9a-f]{2})|u([0-9a-f]{4}))")


def one_line(text: str, also: str = "") -> str:
    """The text in one line where every character is seen; the characters of `also` are escaped too."""
    shown = _UNSEEN.sub(_escape, text)
    for character in also:
        shown = shown.replace(character, f"\\x{ord(character):02x}")
    return shown


def as_written(line: str) -> str:
    """The text that `one_line` made the line of."""
    return _SHOWN_ESCAPE.sub(lambda found: _MEANT[found[1]] if found[1] else chr(int(found[2] or found[3], 16)), line)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    return _SHOWN.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
