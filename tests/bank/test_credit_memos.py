"""Credit memos reach voters only with the borrower's consent, and can be forgotten."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from coopbank.errors import InvalidValue, NotAllowed, OwnAccount, Unknown, WrongState
from coopbank.reports.decisions import VotersPapers, voters_papers
from tests.bank.support_counter import HOSTILE, refused
from tests.support_bank import SmallBank, assert_books, new_bank


def applied(small: SmallBank) -> None:
    """M0001 asks for a loan, and the assembly is to decide on it."""
    for name in ("Mia Lee", "Noa", "Oto"):
        small.admit(name)
    rules = {"body": "ASSEMBLY", "body_name": "All", "form": "assembly", "notice_days": 0}
    small.agreed("set-body", by=small.admin, approver=small.tom, **rules)
    small.do("call-meeting", small.sue, body="ASSEMBLY", on="2026-03-02", notice_sent_on="2026-03-02")
    small.do("apply-for-loan", member="M0001", product="TERM", amount="2000.00", purpose="a kiln")
    loan = {"matter": "loan", "about": "A-001", "amount": "2000.00", "text": "We lend"}
    small.do("propose-resolution", small.sue, meeting="MT-00001", **loan)


@pytest.fixture
def asked(engine_url: str) -> Iterator[SmallBank]:
    with new_bank(engine_url, begin=applied) as small:
        yield small
        assert_books(small)


def papers(small: SmallBank) -> VotersPapers:
    with small.read() as books:
        return voters_papers(books, "RES-00001")


def test_only_while_the_borrower_agrees(asked: SmallBank) -> None:
    asked.do("write-credit-memo", application="A-001", terms="2,000.00 at 6 %, 12 payments", memo="Sells at two fairs.")
    with pytest.raises(NotAllowed):
        papers(asked)
    refused(asked, InvalidValue, "consent-to-share", field="consent", application="A-001", consent="no", how="a call")
    asked.do("consent-to-share", application="A-001", consent="yes", how="signed form of 2 March")
    found = papers(asked)
    assert (found.member, found.name, found.memo) == ("M0001", "Mia Lee", "Sells at two fairs.")
    asked.do("consent-to-share", application="A-001", consent="no", how="a call")
    with pytest.raises(NotAllowed):
        papers(asked)


def test_no_memo_no_papers(asked: SmallBank) -> None:
    asked.do("consent-to-share", application="A-001", consent="yes", how="signed form of 2 March")
    with pytest.raises(Unknown):
        papers(asked)


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_stay_as_they_are(asked: SmallBank, text: str) -> None:
    asked.do("write-credit-memo", application="A-001", terms=text, memo=text)
    asked.do("consent-to-share", application="A-001", consent="yes", how=text)
    found = papers(asked)
    assert (found.terms, found.memo) == (text, text)


def test_the_memo_is_not_in_the_sealed_text(asked: SmallBank) -> None:
    asked.do("write-credit-memo", application="A-001", terms="6 %", memo="lives with her mother")
    asked.do("consent-to-share", application="A-001", consent="yes", how="phoned from the clinic")
    with asked.read() as books:
        sealed = "".join(text for (text,) in books.tx.rows("SELECT sealed FROM operation"))
    assert "mother" not in sealed and "clinic" not in sealed


def test_what_is_refused(asked: SmallBank) -> None:
    refused(asked, Unknown, "write-credit-memo", application="A-009", terms="x", memo="y")
    refused(asked, InvalidValue, "write-credit-memo", field="memo", application="A-001", terms="x", memo="y" * 4001)
    refused(asked, NotAllowed, "consent-to-share", asked.sue, application="A-001", consent="yes", how="x")
    asked.agreed("link-user", asked.admin, asked.tom, user="ana", member="M0001")
    refused(asked, OwnAccount, "consent-to-share", application="A-001", consent="yes", how="x")
    asked.do("withdraw-application", asked.tom, application="A-001")
    refused(asked, WrongState, "write-credit-memo", asked.tom, application="A-001", terms="x", memo="y")


def test_a_member_who_is_forgotten_takes_the_memo_along(asked: SmallBank) -> None:
    asked.do("write-credit-memo", application="A-001", terms="6 %", memo="lives with her mother")
    asked.do("consent-to-share", application="A-001", consent="yes", how="phoned")
    asked.do("withdraw-application", application="A-001")
    asked.do("change-member", member="M0001", status="left")
    asked.agreed("forget-member", asked.admin, asked.tom, member="M0001", before_time=True)
    with asked.read() as books:
        kept = [value for (value,) in books.tx.rows("SELECT value FROM personal WHERE value IS NOT NULL")]
    assert not any("mother" in value or "phoned" in value for value in kept)
