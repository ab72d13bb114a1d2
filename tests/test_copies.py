"""Books that are copied for many tests: what one test has is no other's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from coopbank.database import Database
from tests.copies import copied


def test_books_that_are_put_back_where_they_were_founded_are_no_empty_database(
    new_engine_url: Callable[[str], str], engine_kind: str
) -> None:
    place = new_engine_url("founded")
    with closing(Database.create(place)) as founded:
        put_back = copied(founded)
    if engine_kind == "postgresql":  # a file is put where there is none
        put_back(place)
    put_back(new_engine_url("beside"))
    Database.create(new_engine_url("empty")).close()
