"""What SQLite is asked in a second thread counts only where it saw the same books."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import pytest

from coopbank.ledger import beside
from coopbank.ledger.beside import Answers
from coopbank.ledger.verify import Check, verify_ledger, wrong
from tests.ledger.support import new_books


def answered(monkeypatch: pytest.MonkeyPatch, answer: Answers | Exception) -> None:
    """Let the second thread say that."""
    told: Future[Answers] = Future()
    if isinstance(answer, Exception):
        told.set_exception(answer)
    else:
        told.set_result(answer)

    @contextmanager
    def instead(_database: Any) -> Iterator[Future[Answers]]:
        yield told

    monkeypatch.setattr(beside, "answers", instead)


def test_the_second_thread_sees_what_the_first_would(engine_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "WORTH", 0)
    with new_books(engine_url) as books:
        books.deposit(5_00)
        with books.database.read() as tx:
            last = tx.value("SELECT max(id) FROM operation")
        with beside.answers(books.database) as told:
            if books.database.path is None:
                assert told is None
            elif told is not None:
                assert told.result() == Answers(last, ("ok",), True)


def test_an_answer_about_the_same_books_counts(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with new_books(str(tmp_path / "books.db")) as books:
        books.deposit(5_00)
        with books.database.read() as tx:
            last = tx.value("SELECT max(id) FROM operation")
        answered(monkeypatch, Answers(last, ("row 7 missing from index",), True))
        assert [finding.check for finding in wrong(verify_ledger(books.database))] == ["file"]


@pytest.mark.parametrize("answer", [Answers(1, ("damaged",), False), OSError("the disk is gone")])
def test_other_answers_are_asked_again(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    with new_books(str(tmp_path / "books.db")) as books:
        books.deposit(5_00)
        answered(monkeypatch, answer)
        assert wrong(verify_ledger(books.database)) == []


def test_a_check_that_plain_operations_need_says_what_it_does_with_them() -> None:
    with pytest.raises(ValueError, match="watch_plain"):
        Check("new", "Why.", watch=lambda _log, _operation, _stored: None)
