"""Tagged PDF: what each thing on a page is, written beside how it looks.

A screen reader needs the structure tree: a document of headings, paragraphs and tables with
header cells; rules, backgrounds, running heads and page numbers are artifacts that it skips.
ReportLab draws and knows nothing of that, so it is done in two steps:

    1. While drawing, every paragraph and table cell is put between `/P <</MCID n>> BDC` and `EMC`, and a node of the
       tree remembers page and number. Tables tell their cells through ReportLab's `renderCB` hook; all pieces of a
       table that was split over pages are one node, and their repeated header rows artifacts.
    2. `finish` opens the drawn bytes with pikepdf, writes the tree, the parent tree, bookmarks and language, and what
       the file says of itself (archive.py).

The same document gives the same bytes: nothing asks the clock, and the file's id comes from its content.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import pikepdf
from pikepdf import Array, Dictionary, Name, String
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, Table

from coopbank.statements.archive import Properties, describe

Tag = Literal["H1", "H2", "P", "L", "LI", "LBody", "Link", "Figure", "Table", "TR", "TH", "TD"]
Box = tuple[float, float, float, float]


@dataclass
class Node:
    """An element of the structure tree; its children are nodes and pieces of pages (page, number)."""

    tag: str
    scope: str | None = None
    spoken: str | None = None  # where what is drawn does not tell it
    alternate: str | None = None  # of a figure: what it shows
    box: Box | None = None  # of a figure: where it stands on its page
    children: list[Node | tuple[int, int]] = field(default_factory=list)
    link: tuple[int, int] | None = None  # of a link: page, and which of the page's links


class Tree:
    """The structure of the document in the order in which it is drawn."""

    def __init__(self) -> None:
        self.roots: list[Node] = []
        self.headings: list[tuple[Tag, str, int]] = []  # for the bookmarks: tag, words, page
        self._open: list[Node] = []
        self._count: dict[int, int] = {}
        self._links: dict[int, int] = {}
        self._drawn: Node | None = None

    def add(self, tag: Tag, scope: str | None = None, spoken: str | None = None) -> Node:
        """A new element in the one that is open."""
        node = Node(tag, scope, spoken)
        (self._open[-1].children if self._open else self.roots).append(node)
        return node

    def enter(self, node: Node) -> None:
        """What is added from here on stands inside this element."""
        self._open.append(node)

    def leave(self) -> None:
        """Go back to the element around it."""
        self._open.pop()

    def begin(self, canvas: TaggedCanvas, node: Node) -> None:
        """What is drawn until `end` is this element's content."""
        page = canvas.getPageNumber()
        number = self._count.get(page, 0)
        self._count[page] = number + 1
        node.children.append((page, number))
        self._drawn = node
        canvas.write(f"/{node.tag} <</MCID {number}>> BDC")

    def link(self, page: int) -> None:
        """The element that is being drawn has a link on the page."""
        number = self._links.get(page, 0)
        self._links[page] = number + 1
        node = Node("Link", link=(page, number))
        (self.roots if self._drawn is None else self._drawn.children).append(node)


class TaggedCanvas(Canvas):
    """A canvas that keeps a structure tree, and draws the running heads when it knows how many pages there are."""

    _code: list[str]
    _pageNumber: int  # noqa: N815  (an attribute of Canvas)

    def __init__(self, *args: Any, tree: Tree, furniture: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tree = tree
        self._furniture = furniture
        self._pages: list[dict[str, Any]] = []

    def write(self, code: str) -> None:
        """An operator of the page's content."""
        self._code.append(code)

    def begin_artifact(self, what: str = "/Type /Layout") -> None:
        """What is drawn until `end` has no meaning of its own."""
        self.write(f"/Artifact <<{what}>> BDC")

    def end(self) -> None:
        """The end of an element's content or of an artifact."""
        self.write("EMC")

    def linkURL(self, *args: Any, **kwargs: Any) -> None:  # noqa: N802  (a method of Canvas)
        """A link, which the tree has to know."""
        self.tree.link(self.getPageNumber())
        super().linkURL(*args, **kwargs)

    def showPage(self) -> None:  # noqa: N802  (a method of Canvas)
        """Keep the page; it is written when all are known."""
        self._pages.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]

    def save(self) -> None:
        """Write all pages, each with its head and foot."""
        total = len(self._pages)
        for page in self._pages:
            self.__dict__.update(page)
            self._furniture(self, self._pageNumber, total)
            super().showPage()
        super().save()


class TaggedFigure(Flowable, ABC):
    """A drawing that is one element of the tree, with words for who cannot see it. A subclass draws in `paint`."""

    def __init__(self, alternate: str) -> None:
        super().__init__()
        self.alternate = alternate

    def draw(self) -> None:
        canvas = cast("TaggedCanvas", self.canv)
        node = canvas.tree.add("Figure")
        node.alternate = self.alternate
        x, y = canvas.absolutePosition(0, 0)
        node.box = (x, y, x + self.width, y + self.height)
        canvas.tree.begin(canvas, node)
        self.paint(canvas)
        canvas.end()

    @abstractmethod
    def paint(self, canvas: TaggedCanvas) -> None:
        """Draw between (0, 0) and (width, height)."""


_parsed: dict[tuple[Any, ...], Any] = {}
"""A fragment as ReportLab's parser makes it, for each look: a text without markup is a copy of it."""


def fragments(text: str, style: ParagraphStyle) -> list[Any]:
    """What ReportLab would parse a text without markup into, without parsing it."""
    look = (style.fontName, style.fontSize, style.textColor)
    if look not in _parsed:
        _parsed[look] = Paragraph("x", style).frags[0]
    return [_parsed[look].clone(text=text)]


class TaggedParagraph(Paragraph):
    """A paragraph or heading that is an element of the tree; its pieces on two pages are one element."""

    def __init__(
        self, text: str | None, style: Any, tag: Tag = "P", spoken: str | None = None, **of_a_piece: Any
    ) -> None:
        # ReportLab makes the pieces of a split paragraph from their parts, without a text
        super().__init__(cast("str", text), style, **of_a_piece)
        self.tag: Tag = tag
        self.spoken = spoken
        self.node: list[Node] = []

    def draw(self) -> None:
        canvas = cast("TaggedCanvas", self.canv)
        if not self.node:
            self.node.append(canvas.tree.add(self.tag, spoken=self.spoken))
            if self.tag in ("H1", "H2"):
                canvas.tree.headings.append((self.tag, self.getPlainText(), canvas.getPageNumber()))
        canvas.tree.begin(canvas, self.node[0])
        super().draw()
        canvas.end()

    def split(self, available_width: float, available_height: float) -> list[Any]:
        """The pieces, which share one element."""
        pieces: list[Any] = super().split(available_width, available_height)
        for piece in pieces:
            if isinstance(piece, TaggedParagraph):
                piece.tag, piece.node, piece.spoken = self.tag, self.node, self.spoken
        return pieces


class TableTags:
    """Told by ReportLab what of a table is being drawn; shared by all pieces of one table.

    `head` rows on top are column headers; with `row_heads` the first cell of every other row heads its row.
    Rows in `extra` (of the piece at hand) repeat what stands elsewhere and are artifacts.
    """

    def __init__(self, head: int = 1, *, row_heads: bool = False) -> None:
        self.head = head
        self.row_heads = row_heads
        self.extra: set[int] = set()
        self._table: Node | None = None
        self._repeated = False
        self._row = 0
        self._skipped = False

    def __call__(self, table: Table, event: str, *details: Any) -> None:
        canvas = cast("TaggedCanvas", table.canv)
        if event in ("startBG", "startLines"):
            canvas.begin_artifact()
        elif event in ("endBG", "endLines"):
            canvas.end()
        elif event == "startTable":
            self._start_table(canvas)
        elif event == "endTable":
            canvas.tree.leave()
        elif event == "startRow":
            self._start_row(canvas, details[0])
        elif event == "endRow":
            self._end_row(canvas)
        elif event == "startCell":
            self._start_cell(canvas, *details[:3])
        elif not self._skipped:
            canvas.end()

    def _start_table(self, canvas: TaggedCanvas) -> None:
        self._repeated = self._table is not None
        if self._table is None:
            self._table = canvas.tree.add("Table")
        canvas.tree.enter(self._table)

    def _start_row(self, canvas: TaggedCanvas, row: int) -> None:
        self._row = row
        self._skipped = row in self.extra or (self._repeated and row < self.head)
        if self._skipped:
            canvas.begin_artifact("/Type /Pagination")
        else:
            canvas.tree.enter(canvas.tree.add("TR"))

    def _end_row(self, canvas: TaggedCanvas) -> None:
        if self._skipped:
            canvas.end()
        else:
            canvas.tree.leave()

    def _start_cell(self, canvas: TaggedCanvas, row: int, column: int, content: Any) -> None:
        if self._skipped:
            return
        spoken = getattr(content, "spoken", None)
        if row < self.head:
            node = canvas.tree.add("TH", "Column", spoken)
        elif self.row_heads and column == 0:
            node = canvas.tree.add("TH", "Row", spoken)
        else:
            node = canvas.tree.add("TD", None, spoken)
        canvas.tree.begin(canvas, node)


# ----------------------------------------------------------------------------- second step


def finish(drawn: bytes, tree: Tree, properties: Properties) -> bytes:
    """The drawn document with its structure, language, title and dates."""
    with pikepdf.open(io.BytesIO(drawn)) as pdf:
        _write_tree(pdf, tree, properties.language)
        _write_bookmarks(pdf, tree)
        root = pdf.Root
        root.MarkInfo = Dictionary(Marked=True)
        root.ViewerPreferences = Dictionary(DisplayDocTitle=True)
        root.Lang = String(properties.language)
        describe(pdf, properties)
        written = io.BytesIO()
        pdf.save(
            written, deterministic_id=True, min_version="1.7", object_stream_mode=pikepdf.ObjectStreamMode.generate
        )
        return written.getvalue()


def _write_tree(pdf: pikepdf.Pdf, tree: Tree, language: str) -> None:
    root = pdf.make_indirect(Dictionary(Type=Name.StructTreeRoot))
    document = pdf.make_indirect(Dictionary(Type=Name.StructElem, S=Name.Document, P=root, Lang=String(language)))
    pages = [page.obj for page in pdf.pages]
    parents: list[dict[int, pikepdf.Object]] = [{} for _ in pages]
    links: list[tuple[Any, pikepdf.Object]] = []
    document.K = Array([_element(pdf, node, document, pages, parents, links) for node in tree.roots])
    root.K = document
    numbers = Array()
    for index, page in enumerate(pages):
        page.StructParents = index
        page.Tabs = Name.S
        found = parents[index]
        numbers.append(index)
        numbers.append(pdf.make_indirect(Array([found[number] for number in range(len(found))])))
    for offset, (annotation, element) in enumerate(links):
        annotation.StructParent = len(pages) + offset
        numbers.append(len(pages) + offset)
        numbers.append(element)
    root.ParentTree = pdf.make_indirect(Dictionary(Nums=numbers))
    root.ParentTreeNextKey = len(pages) + len(links)
    pdf.Root.StructTreeRoot = root


def _element(
    pdf: pikepdf.Pdf, node: Node, parent: pikepdf.Object, pages: list[Any], parents: list[dict[int, pikepdf.Object]],
    links: list[tuple[Any, pikepdf.Object]],
) -> pikepdf.Object:  # fmt: skip
    element = pdf.make_indirect(Dictionary(Type=Name.StructElem, S=Name(f"/{node.tag}"), P=parent))
    if node.scope is not None:
        element.A = Dictionary(O=Name.Table, Scope=Name(f"/{node.scope}"))
    if node.spoken is not None:
        element.ActualText = String(node.spoken)
    if node.alternate is not None:
        element.Alt = String(node.alternate)
    if node.box is not None:
        element.A = Dictionary(O=Name.Layout, Placement=Name.Block, BBox=Array([round(x, 2) for x in node.box]))
    children = Array()
    for child in node.children:
        if isinstance(child, Node):
            children.append(_element(pdf, child, element, pages, parents, links))
        else:
            page, number = child
            children.append(Dictionary(Type=Name.MCR, Pg=pages[page - 1], MCID=number))
            parents[page - 1][number] = element
    if node.link is not None:
        children.append(_linked(pages[node.link[0] - 1], node.link[1], element, links))
    element.K = children
    return element


def _linked(page: Any, number: int, element: pikepdf.Object, links: list[tuple[Any, pikepdf.Object]]) -> Dictionary:
    """The annotation of a link, which says where it leads and prints like anything else."""
    annotation = page.Annots[number]
    annotation.Contents = String(str(annotation.A.URI).removeprefix("mailto:"))
    annotation.F = 4
    element.Alt = annotation.Contents
    links.append((annotation, element))
    return Dictionary(Type=Name.OBJR, Pg=page, Obj=annotation)


def _write_bookmarks(pdf: pikepdf.Pdf, tree: Tree) -> None:
    """The headings as an outline, where there is more than one page to find one's way in."""
    if len(pdf.pages) < 2:
        return
    with pdf.open_outline() as outline:
        for tag, words, page in tree.headings:
            item = pikepdf.OutlineItem(words, page - 1)
            (outline.root[-1].children if tag == "H2" and outline.root else outline.root).append(item)
