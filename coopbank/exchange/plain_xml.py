"""XML from strangers: elements, attributes and text, and nothing that XML can do besides.

The standard library's expat, with every document type refused: without one there are no entities that grow,
none that read files or call addresses, and no defaults. Depth and number of elements are bounded. What is not
well formed is refused in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.parsers import expat

from coopbank.errors import InvalidValue

DEEPEST: Final = 60
MOST_ELEMENTS: Final = 500_000


class Node:
    """An element: its name without namespace, that namespace, its attributes, its children and its own text."""

    __slots__ = ("attributes", "children", "name", "namespace", "text")

    def __init__(self, name: str, namespace: str = "", attributes: dict[str, str] | None = None) -> None:
        self.name = name
        self.namespace = namespace
        self.attributes = attributes or {}
        self.children: list[Node] = []
        self.text = ""

    def each(self, *path: str) -> Iterator[Node]:
        """Every element below this one that the path leads to."""
        if not path:
            yield self
            return
        for child in self.children:
            if child.name == path[0]:
                yield from child.each(*path[1:])

    def first(self, *path: str) -> Node | None:
        """The first of them."""
        return next(self.each(*path), None)

    def said(self, *path: str) -> str | None:
        """The text of the first of them; None if there is none, or nothing in it."""
        found = self.first(*path)
        return None if found is None else found.text.strip() or None


def parse(content: bytes) -> Node:
    """The root of a document."""
    builder = _Builder()
    try:
        builder.parser.Parse(content, True)
    except expat.ExpatError as error:
        raise InvalidValue(
            "This XML is not well formed: {why}, line {line}.", why=expat.ErrorString(error.code), line=error.lineno
        ) from None
    except (LookupError, ValueError):  # an encoding that Python does not know, or that expat cannot take
        raise InvalidValue("This XML is in an encoding that is not known.") from None
    assert builder.root is not None, "a well-formed document has a root"
    return builder.root


class _Builder:
    """Listens to expat and makes the tree."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.open: list[Node] = []
        self.texts: list[list[str]] = []
        self.count = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EntityDeclHandler = self._doctype
        self.parser.ExternalEntityRefHandler = self._external
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _doctype(self, *_what: object) -> None:
        raise InvalidValue("This XML has a document type (DTD); no bank's file needs one, and it is not read.")

    def _external(self, *_what: object) -> int:
        return 0  # expat then refuses the document

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > MOST_ELEMENTS or len(self.open) >= DEEPEST:
            raise InvalidValue("This XML has too many elements, or they stand too deep in each other.")
        namespace, _space, local = name.rpartition(" ")
        node = Node(local, namespace, attributes)
        if self.open:
            self.open[-1].children.append(node)
        else:
            self.root = node
        self.open.append(node)
        self.texts.append([])

    def _end(self, _name: str) -> None:
        self.open.pop().text = "".join(self.texts.pop())

    def _text(self, text: str) -> None:
        self.texts[-1].append(text)
