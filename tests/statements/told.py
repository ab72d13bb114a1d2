"""Reading a document as a screen reader hears it, and what an outside judge of accessibility finds."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import outloud
import pikepdf

from coopbank.statements.sheet import Brand, Paper, Print, Sheet, Stamp


class Told:
    """A statement as a screen reader hears it: the structure tree, with the texts of the pages."""

    def __init__(self, data: bytes) -> None:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            self.pages = len(pdf.pages)
            self.language = str(pdf.Root.Lang)
            self.marked = bool(pdf.Root.MarkInfo.Marked)
            self.title = str(pdf.docinfo["/Title"])
            self.created = str(pdf.docinfo["/CreationDate"])
            self.fonts = sorted({str(f.BaseFont)[8:] for page in pdf.pages for f in page.obj.Resources.Font.values()})
            self.box = [float(x) for x in pdf.pages[0].obj.MediaBox]
            with pdf.open_outline() as outline:
                self.bookmarks = [str(child.title) for item in outline.root for child in item.children]
            streams = [_marked(page) for page in pdf.pages]
            self.page_texts = ["|".join(texts.values()) for texts, _artifacts in streams]
            self.artifacts = [artifacts for _texts, artifacts in streams]
            numbers = {page.obj.objgen: i for i, page in enumerate(pdf.pages)}
            self.order: list[tuple[int, int]] = []  # page and number of each piece, as a screen reader comes to it
            texts = [each for each, _artifacts in streams]
            self.elements = list(_walk(pdf.Root.StructTreeRoot.K, numbers, texts, self.order))

    def of(self, tag: str) -> list[str]:
        return [text for found, text, _element in self.elements if found == tag]

    @property
    def text(self) -> str:
        return " ".join(text for _tag, text, _element in self.elements)


def _walk(
    element: Any, numbers: dict[Any, int], texts: list[dict[int, str]], order: list[tuple[int, int]]
) -> Iterator[tuple[str, str, Any]]:
    said = []
    below: list[tuple[str, str, Any]] = []
    for child in element.K if isinstance(element.K, pikepdf.Array) else [element.K]:
        if child.get("/Type") == "/OBJR":
            continue
        if "/MCID" in child:
            page, number = numbers[child.Pg.objgen], int(child.MCID)
            order.append((page, number))
            said.append(texts[page].pop(number))
        else:
            below += _walk(child, numbers, texts, order)
    scope = str(element.A.Scope)[1:] if "/A" in element and "/Scope" in element.A else ""
    spoken_text = str(element.ActualText) if "/ActualText" in element else "".join(said)
    yield str(element.S)[1:], spoken_text, scope
    yield from below


def _marked(page: Any) -> tuple[dict[int, str], str]:
    """Texts of a page by their number in the structure, and the text of its artifacts."""
    maps = {str(name): _unicode(font) for name, font in page.obj.Resources.Font.items()}
    texts: dict[int, str] = {}
    artifacts, here, font = "", None, ""
    depth = 0
    for operands, operator in pikepdf.parse_content_stream(page):
        name = str(operator)
        if name in ("BDC", "BMC"):
            assert depth == 0, "marked content does not nest"
            depth += 1
            here = int(operands[1].MCID) if str(operands[0]) != "/Artifact" else None
            if here is not None:
                assert here not in texts, "a number is used once on a page"
                texts[here] = ""
        elif name == "EMC":
            depth -= 1
        elif name == "Tf":
            font = str(operands[0])
        elif name in ("Tj", "TJ"):
            assert depth == 1, "no text outside of an element or an artifact"
            parts = [operands[0]] if name == "Tj" else [p for p in operands[0] if isinstance(p, pikepdf.String)]
            text = "".join(maps[font].get(code, "?") for part in parts for code in bytes(part))
            if here is None:
                artifacts += text
            else:
                texts[here] += text
    assert depth == 0
    return texts, artifacts


def _unicode(font: Any) -> dict[int, str]:
    table = {code: chr(code) for code in range(32, 127)}
    if "/ToUnicode" in font:
        body = font.ToUnicode.read_bytes().decode("latin-1")
        for low, _high, array in re.findall(r"<(\w+)> <(\w+)> \[([^\]]*)\]", body):
            for offset, value in enumerate(re.findall(r"<(\w+)>", array)):
                table[int(low, 16) + offset] = chr(int(value, 16))
        for block in re.findall(r"beginbfchar(.*?)endbfchar", body, re.DOTALL):
            for code, value in re.findall(r"<(\w+)>\s*<(\w+)>", block):
                table[int(code, 16)] = chr(int(value, 16))
    return table


def sheet_of(source: Any, *, paper: Paper = "letter", print_size: Print = "normal", **face: Any) -> Sheet:
    """A sheet for a report that was read in a test."""
    brand = Brand(source.institution, source.institution_kind, **face)
    stamp = Stamp("ST-2026-03-M0001", source.head_number, source.head_hash, source.head_at)
    return Sheet(brand, stamp, paper, print_size)


# A fingerprint of letters and digits by turns looks like a line of prose to the checker, one in hundreds.
_FOOTER = re.compile(r"[0-9]+ · [0-9a-f]{16}")


def findings(data: bytes) -> list[str]:
    """What outloud finds in a document: errors, warnings and hints."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "document.pdf"
        path.write_bytes(data)
        found = outloud.check(str(path))
        return [
            f"{each.rule} {each.message}"
            for each in found.findings
            if each.severity != "info" and not (each.rule == "TAG-002" and _FOOTER.search(str(each.evidence)))
        ]
