"""Every operation once by keys alone: sign in, choose it from the list, fill its form in, review, post, receipt.

Whoever signs in does several of them one after the other, as on a working day; what has to come first, colleagues do
at other terminals meanwhile. What would be refused after the others has a sitting of its own.

The banks are the scenes of the error gallery. A case is a line: the scene, who does it, and what is typed into which
field; `+` before the scene means that steps come first.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from coopbank.bank.operation import CATALOGUE
from coopbank.tui.screens.entry import EntryScreen
from coopbank.tui.screens.home import HomeScreen
from coopbank.tui.screens.more import MoreScreen
from coopbank.tui.screens.receipt import ReceiptScreen
from coopbank.tui.screens.review import WORDS, ReviewScreen
from coopbank.tui.widgets.fields import FieldRow
from coopbank.tui.widgets.inputs import Choice
from tests.documents.cases.commons import CLAIMED, LEASE, RESOLVED
from tests.documents.gallery_scenes import SCENES
from tests.documents.gallery_stage import Scene, found_scene
from tests.support_bank import PASSPHRASE
from tests.tui.support import Hand, assert_book, counter

Fields = dict[str, str]

_GRANTED = (
    "tom+sue open-fund code=CG1 fund_name=Teaching fund_class=conditional\n"
    "tom+sue receive-grant fund=CG1 funder=x condition=x amount=50.00 number=CG1 tender=transfer"
)
# ruff: noqa: E501  (a case is a line)
CASES: dict[str, tuple[str, str, Fields, str]] = {
    # days
    "open-day": ("new", "ana", {}, "ana close-drawer drawer=D1 counted=0.00\nana close-day\nclock 2026-03-03T18:00"),
    "close-day": ("new", "ana", {}, "ana close-drawer drawer=D1 counted=0.00"),
    "close-month": ("town", "tom", {"month": "2026-03"}, "day 2026-03-31\nday 2026-04-01"),
    "open-audit-period": ("closed", "tom", {"year": "2026"}, ""),
    "close-year": ("closed", "tom", {"year": "2026"}, "tom+sue open-audit-period year=2026"),
    "reopen-year": ("closed", "tom", {"year": "2026", "why": "a bill came late"}, "tom+sue open-audit-period year=2026\ntom+sue close-year year=2026"),
    "sign-difference": ("town", "tom", {"difference": "D1-{short}"}, "@short ana close-drawer drawer=D1 counted=200.00 why='not known'"),
    "reopen-month": ("april", "tom", {"month": "2026-03", "why": "a bill came late"}, ""),
    # members, shares, savings
    "admit-member": ("new", "ana", {"member_name": "Nia [red]Rae[/red]", "phone": "601 555 0188"}, ""),
    "change-member": ("town", "ana", {"member": "M0001", "phone": "601 555 0199"}, ""),
    "add-joint-owner": ("town", "ana", {"member": "M0001", "role": "beneficiary", "person_name": "Kit [b]"}, ""),
    "remove-joint-owner": ("family", "ana", {"person": "J-00001"}, ""),
    "record-death": ("town", "ana", {"member": "M0001", "died_on": "20260301", "evidence": "4711"}, ""),
    "withdraw-death": ("family", "ana", {"member": "M0002"}, ""),
    "pay-estate": ("family", "ana", {"member": "M0002", "account": "901", "amount": "25", "estate_name": "Lou", "papers": "12/26"}, ""),
    "lost-contact": ("town", "ana", {"member": "M0001", "how": "a letter came back"}, ""),
    "found-again": ("family", "ana", {"member": "M0001", "how": "she came by"}, ""),
    "send-due-diligence": ("silent", "ana", {"member": "M0004"}, ""),
    "turn-over-unclaimed": ("silent", "tom", {"member": "M0001"}, "day 2031-05-02"),
    "pay-unclaimed": ("silent", "tom", {"report": "2031-7", "member": "M0001", "tender": "transfer"}, "tom receive-gift amount=900.00 donor=Many tender=transfer\nday 2031-05-02\ntom+sue turn-over-unclaimed member=M0001"),
    "forget-member": ("silent", "admin", {"member": "M0002"}, ""),
    "pay-member": ("union", "ana", {"member": "M0001", "to_member": "M0002", "amount": "5", "memo": "[b]eggs"}, ""),
    "buy-shares": ("town", "ana", {"member": "M0003", "amount": "25"}, ""),
    "redeem-shares": ("town", "ana", {"member": "M0001", "amount": "25"}, ""),
    "sponsor-shares": ("commons", "tom", {"member": "M0003", "amount": "25", "fund": "SOL", "resolution": "R-[b]2"}, ""),
    "return-sponsored-shares": ("commons", "tom", {"sponsorship": "SP-0001", "why": "moved [b]"}, (
        "tom+sue sponsor-shares member=M0003 amount=25.00 fund=SOL resolution=R-2")),
    "transfer-shares": ("town", "ana", {"member": "M0001", "to_member": "M0003", "amount": "25", "share_class": "901"}, ""),
    "set-share-class": ("town", "tom", {"share_class": "903", "presentation": "liability", "resolution": "[b]R-1"}, ""),
    "declare-dividend": ("surplus", "tom", {"year": "2026", "rate": "3", "resolution": "R-1"}, ""),
    "pay-dividend": ("surplus", "tom", {"member": "M0001", "tender": "transfer"}, "tom+sue declare-dividend year=2026 rate=3 resolution=R-1"),
    "set-surplus-rules": ("town", "tom", {"steps": "indivisible 20", "consent": "bylaw 12", "resolution": "R-1"}, ""),
    "record-hours": ("town", "tom", {"year": "2026", "hours": "M0001 12.5", "source": "sheets"}, ""),
    "propose-surplus": ("surplus", "tom", {"year": "2026"}, ""),
    "allocate-surplus": ("surplus", "tom", {"year": "2026", "resolution": "R-1"}, "tom propose-surplus year=2026"),
    "pay-patronage": ("surplus", "tom", {"member": "M0001", "tender": "transfer"}, VOTED := (
        "tom propose-surplus year=2026\ntom+sue allocate-surplus year=2026 resolution=R-1")),
    "redeem-patronage": ("surplus", "tom", {"vintage": "2026", "resolution": "R-2"}, VOTED),
    "credit-capital-interest": ("farm", "tom", {"year": "2027", "rate": "2", "resolution": "R-[b]2"}, (
        "tom receive-gift fund=GEN amount=90.00 donor=Many tender=transfer\nday 2027-12-31")),
    "share-loss": ("farm", "tom", {"year": "2026", "amount": "5", "resolution": "R-2"}, (
        "tom+sue reopen-year year=2026 why=late\ntom+sue journal-entry memo=x effective_on=2026-12-31"
        " lines='[\"GEN 250 Dr 950.00\",\"GEN 865 Cr 950.00\"]'\ntom+sue close-year year=2026")),
    "return-capital": ("farm", "tom", {"member": "M0002", "installments": "2", "resolution": "R-2"}, ""),
    "accept-redemption": ("town", "ana", {"member": "M0001", "amount": "25"}, ""),
    "pay-redemption": ("town", "tom", {"redemption": "RD-00001", "tender": "transfer"}, "ana+tom accept-redemption member=M0001 amount=25.00"),
    "credit-interest": (
        "new", "tom", {"quarter": "2026-Q1"},
        ('ana admit-member member_name="Mia Lee"\nana open-savings member=M0001 annual_rate=2\n'
        "ana deposit member=M0001 amount=900.00\nday 2026-04-01"),
    ),
    "deposit": ("town", "ana", {"member": "M0001", "amount": "12.5"}, ""),
    "open-savings": ("town", "ana", {"member": "M0002"}, ""),
    "withdraw": ("town", "ana", {"member": "M0001", "amount": "10"}, ""),
    "receive-bank-interest": ("town", "tom", {"amount": "8.4", "start": "20260301", "end": "20260302"}, ""),
    # loans
    "accept-report": ("later", "tom", {"loan": "L-003", "period": "2"}, ""),
    "apply-for-loan": ("lender", "ana", {"member": "M0001", "purpose": "a machine", "product": "TERM", "amount": "90"}, ""),
    "apply-unapplied": ("later", "ana", {"loan": "L-001", "amount": "5"}, UNAPPLIED := (
        "ana repay-loan loan=L-001 amount=1500.00 tender=transfer excess=unapplied\n")),
    "change-rate": ("lender", "ana", {"loan": "L-001", "why": "the board", "annual_rate": "4"}, ""),
    "charge-late-fee": ("later", "ana", {"loan": "L-005"}, ""),
    "charge-off": ("lender", "ana", {"loan": "L-008", "resolution": "R-9", "why": "it ended"}, "day 2026-05-04"),
    "close-commitment": ("lender", "ana", {"loan": "L-006", "reason": "not wanted"}, "tom disburse-loan loan=L-006 amount=10.00"),
    "decline-application": ("lender", "ana", {"application": "A-001", "reasons": "plan"}, ""),
    "define-product": ("lender", "ana", {"code": "BIKE", "product_name": "Bicycles", "installments": "12", "annual_rate": "3"}, ""),
    "disburse-loan": ("lender", "tom", {"loan": "L-006"}, ""),
    "extend-loan": ("lender", "ana", {"loan": "L-001", "why": "asked for", "extra_installments": "2"}, ""),
    "file-report": ("later", "ana", {"loan": "L-004", "surplus": "20", "revenue": "50"}, ""),
    "grade-loan": ("lender", "ana", {"loan": "L-001", "grade": "3", "why": "a slow season"}, ""),
    "grant-loan": ("lender", "ana", {"member": "M0003", "principal": "100", "annual_rate": "3", "installments": "4"}, ""),
    "move-due-date": ("lender", "ana", {"loan": "L-001", "why": "pay day", "next_due": "20260410"}, ""),
    "move-outer-date": ("lender", "ana", {"loan": "L-003", "outer_date": "20320302", "why": "agreed"}, ""),
    "pause-interest": ("lender", "ana", {"loan": "L-001", "until": "20260401", "why": "a flood"}, ""),
    "payment-holiday": ("lender", "ana", {"loan": "L-001", "why": "a flood", "payments": "1"}, ""),
    "pledge-collateral": ("lender", "ana", {"loan": "L-001", "asset": "a fan", "cost": "50", "paid_from": "{payout}"}, ""),
    "provide": ("later", "tom", {"month": "2026-04"}, ""),
    "re-amortize": ("later", "ana", {"loan": "L-001", "why": "agreed"}, ""),
    "refinance-loan": (
        "lender", "tom", {"loan": "L-007", "new_loan": "L-009"},
        'ana+tom grant-loan member=M0003 principal=200.00 annual_rate=3 installments=9 purpose="a roof, again"',
    ),
    "refund-unapplied": ("later", "ana", {"member": "M0002", "amount": "5", "tender": "transfer"}, UNAPPLIED),
    "release-collateral": ("lender", "ana", {"collateral": "C-001", "why": "repaid"}, ""),
    "remit-participation": ("lender", "tom", {"peer": "PF-1"}, (PEER := (
        "ana+tom sell-participation loan=L-006 peer=PF-1 share_percent=50 agreement=P-1\ntom disburse-loan loan=L-006\n"))
        + "day 2026-04-02\nana repay-loan loan=L-006 amount=68.00 tender=transfer"),
    "repay-loan": ("later", "ana", {"loan": "L-001", "amount": "40"}, ""),
    "resume-accrual": ("later", "ana", {"loan": "L-005", "why": "he works again"}, "ana repay-loan loan=L-005 amount=101.76 tender=transfer\ntom+sue set-policy policy=accrual_payments value=1"),
    "sell-participation": ("lender", "ana", {"loan": "L-006", "peer": "PF-1", "share_percent": "50", "agreement": "P-1"}, ""),
    "set-allowance-table": ("lender", "tom", {"from_day": "20260401", "commitments": "3", "why": "the board"}, ""),
    "set-off": ("town", "tom", {"loan": "L-003", "payable": "825"}, (
        "admin+tom set-policy policy=set_off value='bylaw 14'\n"
        "tom+sue define-product code=BIKE product_name=Bicycles annual_rate=0 installments=12 set_off=true\n"
        "ana+tom grant-loan member=M0002 principal=120.00 product=BIKE\ntom disburse-loan loan=L-003 tender=transfer\n"
        "ana+tom accept-redemption member=M0002 amount=25.00\nday 2026-06-03")),
    "stop-accrual": ("lender", "ana", {"loan": "L-001", "why": "the co-op rests"}, ""),
    "waive-charges": ("later", "ana", {"loan": "L-005", "why": "hardship", "interest": "1"}, ""),
    "withdraw-application": ("lender", "ana", {"application": "A-001"}, ""),
    "withdraw-product": ("lender", "ana", {"product": "SMALL"}, ""),
    "write-down": ("lender", "tom", {"loan": "L-001", "principal": "100", "resolution": "R-8"}, ""),
    # notes, funds, bills
    "issue-note": ("town", "tom", {"lender": "Ida [b]", "amount": "100", "annual_rate": "1", "due_on": "20290302"}, ""),
    "repay-note": ("town", "tom", {"note": "N-001", "amount": "100"}, ""),
    "open-fund": ("town", "tom", {"code": "SOL", "fund_name": "Solidarity", "fund_class": "designated"}, ""),
    "receive-gift": ("town", "ana", {"amount": "15", "donor": "A friend"}, ""),
    "spend-gift": (
        "town", "tom", {"gift": "G-07", "amount": "10", "expense": "290", "tender": "transfer"},
        "tom receive-gift number=G-07 fund=EDU amount=90.00 donor=Friend tender=transfer"),
    "enter-bill": ("town", "ana", {"supplier": "POWER", "number": "79", "amount": "30", "expense": "290"}, ""),
    "pay-bill": ("town", "tom", {"bill": "B-00002", "tender": "transfer"}, ""),
    "pay-expense": ("town", "ana", {"supplier": "POST", "number": "1", "amount": "3", "expense": "290"}, ""),
    "set-loss-waterfall": ("town", "tom", {"steps": "allowance\nnotes A", "resolution": "R-40 [b]"}, ""),
    "transfer-funds": ("town", "tom", {"to_fund": "RLF", "amount": "5", "resolution": "R-20"}, ""),
    "lend-to-fund": ("town", "tom", {"to_fund": "RLF", "amount": "5", "resolution": "R-21", "due_on": "20261001"}, ""),
    "repay-fund": ("town", "tom", {"fund_loan": "IF-001"}, "tom+sue lend-to-fund to_fund=RLF amount=5.00 resolution=R-21 due_on=2026-10-01"),
    "set-programme": ("town", "tom", {"fund": "RLF", "funder": "Delta [b]", "agreement": "DF-12", "least_rate": "2"}, ""),
    "define-note-class": ("town", "tom", {"note_class": "B", "class_title": "Second", "rank": "2", "resolution": "R-5"}, ""),
    # assets, petty cash, budgets
    "buy-asset": ("town", "ana", {"supplier": "SHOP", "number": "9", "asset_name": "A desk [b]", "cost": "90", "tender": "bill", "life_months": "60"}, ""),
    "depreciate": ("house", "tom", {"month": "2026-04"}, "day 2026-04-01"),
    "dispose-asset": ("house", "tom", {"asset": "FA-001", "why": "it broke"}, ""),
    "enter-asset": ("old", "tom", {"asset_name": "A till", "cost": "40", "life_months": "10"},
                    "tom+sue opening-balance lines='[\"GEN 940 Cr 70.00\",\"GEN 751 Dr 70.00\"]'"),
    "close-petty-cash": ("house", "ana", {"petty_cash": "PETTY", "counted": "47.5"}, ""),
    "count-petty-cash": ("house", "ana", {"petty_cash": "PETTY", "counted": "47.5"}, ""),
    "open-petty-cash": ("town", "tom", {"petty_cash": "PETTY", "holder": "ana", "float_amount": "50", "from_place": "FIRST"}, ""),
    "refill-petty-cash": ("house", "tom", {"petty_cash": "PETTY", "from_place": "FIRST"}, ""),
    "spend-petty-cash": ("house", "ana", {"petty_cash": "PETTY", "supplier": "POST", "receipt": "18", "amount": "3", "expense": "290"}, ""),
    "set-budget": ("town", "tom", {"year": "2026", "lines": "290 1200.00\n181 500.00", "resolution": "Board"}, ""),
    # the institutions around the bank
    "give-aid": ("commons", "ana", {"recipient": "Rosa [b]", "aid_kind": "telephone", "amount": "15", "need": "cut off",
                                    "criteria": "x", "relation": "none", "tender": "transfer"}, ""),
    "file-aid-receipt": ("commons", "ana", {"case": "S-01", "amount": "40", "receipt": "Bill 7"}, ""),
    "return-aid": ("commons", "tom", {"case": "S-01", "amount": "10", "why": "too much", "tender": "transfer"}, ""),
    "define-register": ("town", "tom", {"code": "BIKES", "register_title": "Bicycles", "fields": "bike text required Bicycle\ndays number total Days"}, ""),
    "add-entry": ("commons", "ana", {"register_code": "TOOLS", "values": "tool: A [b]saw\nmember: M0003\non: 2026-03-01"}, ""),
    "change-entry": ("commons", "ana", {"entry": "TOOLS-00001", "values": "days: 4", "why": "late"}, ""),
    "close-entry": ("commons", "ana", {"entry": "TOOLS-00001", "why": "came back"}, ""),
    "buy-parcel": ("commons", "tom", {"parcel": "P-057", "price": "10", "use": "housing", "resolution": "R-27", "deed": "7/57", "fund": "SOL", "tender": "transfer"}, "tom+sue define-register template=PARCELS"),
    "dispose-parcel": ("commons", "tom", {"parcel": "PARCELS-00001", "price": "12", "resolution": "RES-00001", "deed": "9/12", "covenant_kept": "yes", "why": "[b]sold", "tender": "transfer"}, RESOLVED),
    "recognise-donated-work": ("commons", "tom", {"building": "B-1", "hours": "40", "hourly": "25", "work": "carpentry", "source": "a survey", "fund": "SOL"}, ""),
    "receive-ground-rent": ("commons", "ana", {"lease": "LEASES-00001", "month": "2026-03", "amount": "7"}, LEASE),
    "receive-grant": (
        "commons", "tom", {"fund": "CG1", "amount": "5", "funder": "A [b]city", "condition": "a course", "tender": "transfer"},
        "tom+sue open-fund code=CG1 fund_name=Teaching fund_class=conditional",
    ),
    "earn-grant": ("commons", "tom", {"grant": "CG1", "amount": "5", "expense": "290", "evidence": "a list", "tender": "transfer"}, _GRANTED),
    "return-grant": ("commons", "tom", {"grant": "CG1", "why": "no course", "tender": "transfer"}, _GRANTED),
    "bill-dues": ("commons", "tom", {"member": "M0003", "year": "2026", "amount": "5"}, ""),
    "receive-dues": ("commons", "ana", {"dues": "DU-001", "amount": "5"}, "tom bill-dues member=M0003 year=2026 amount=5.00"),
    "add-institution": ("commons", "tom", {"code": "NORTH", "institution_name": "North", "book": "cd" * 16}, ""),
    "owe-institution": ("commons", "tom", {"institution": "TRUST", "amount": "5", "memo": "insurance", "expense": "366"}, ""),
    "claim-from-institution": ("commons", "tom", {"institution": "TRUST", "amount": "5", "memo": "rent", "reference": "T-1"}, ""),
    "confirm-pair": ("commons", "tom", {"pair": "IP-0001", "their_operation": "7", "their_head": "ab" * 8, "their_amount": "5"}, CLAIMED),
    "receive-from-institution": ("commons", "tom", {"pair": "IP-0001", "amount": "5", "tender": "transfer"}, CLAIMED),
    "pay-institution": ("commons", "tom", {"pair": "IP-0001", "amount": "5", "tender": "transfer"}, "tom+sue owe-institution institution=TRUST amount=5.00 memo=rent"),
    "forget-request": ("commons", "tom", {"request": "R-00016", "before_time": "yes"}, (
        'ana? give-aid recipient="Rosa Bell" aid_kind=ride amount=4.00 need=work criteria=x relation=x tender=transfer\ntom refuse request=R-00016 why=no')),
    "forget-case": ("commons", "tom", {"case": "S-01", "before_time": "yes"}, ""),
    # cash
    "add-bank-account": ("town", "tom", {"code": "SAVE", "account_name": "Savings at the bank"}, ""),
    "bank-cheques": ("town", "tom", {"cheques": "CH-00001"}, ""),
    "clear-suspense": ("lender", "tom", {"suspense": "U-00001", "to": "gift", "fund": "GEN"}, ""),
    "close-drawer": ("new", "ana", {"counted": "0"}, ""),
    "count-drawer": ("new", "ana", {"counted": "0"}, ""),
    "move-cash": ("town", "ana", {"from_place": "D1", "to_place": "VAULT", "amount": "20"}, ""),
    "open-drawer": ("town", "tom", {"drawer": "D2"}, ""),
    "receive-unknown": ("town", "tom", {"amount": "7"}, ""),
    "return-cheque": ("town", "tom", {"cheque": "CH-00001"}, "tom bank-cheques cheques='[\"CH-00001\"]'"),
    # the bank's statements
    "match-bank-line": ("statement", "tom", {"lines": "BS-00003.1", "entries": "3"}, (
        "tom+sue journal-entry memo=interest lines='[\"GEN 731/SAVE Dr 5.00\",\"GEN 127 Cr 5.00\"]'")),
    "record-bank-lines": (
        "statement", "tom",
        {"start": "20260303", "end": "20260303", "opening": "888", "closing": "893", "lines": "2026-03-03 5.00 INTEREST"},
        "day 2026-03-03",
    ),
    "reopen-reconciliation": ("statement", "tom", {"on": "20260301", "why": "one more was found"}, ""),
    "review-reconciliation": ("statement", "sue", {"on": "20260301"}, ""),
    "sign-reconciliation": ("statement", "tom", {"on": "20260302", "balance": "888"}, ""),
    "unmatch-bank-line": ("statement", "tom", {"match": "BM-00001", "why": "another gift"}, ""),
    "withdraw-bank-lines": ("statement", "tom", {"statement": "BS-00003", "why": "another account's"}, ""),
    # confirmations
    "start-campaign": ("town", "sue", {"form": "positive", "population": "savings", "size": "1", "seed": "river 42"}, ""),
    "record-reply": ("town", "sue", {"campaign": "V-001", "reply": "agrees", "about": "905/M0001"}, (ASKED := (
        "sue start-campaign form=positive population=savings selection=all\n"))),
    "resolve-exception": (
        "town", "sue", {"campaign": "V-001", "about": "905/M0001", "finding": "timing", "why": "a cheque on its way"},
        ASKED + "sue record-reply campaign=V-001 reply=none"),
    "close-campaign": (
        "town", "sue", {"campaign": "V-001", "conclusion": "all well"},
        ASKED + "sue record-reply campaign=V-001 about=905/M0001 reply=agrees"),
    # decisions
    "set-body": ("town", "admin", {"body": "ASSEMBLY", "body_name": "All [b]", "form": "assembly"}, ""),
    "seat-member": ("hall", "admin", {"body": "LOANS", "member": "M0003", "until": "20270301"}, ""),
    "end-seat": ("hall", "admin", {"body": "LOANS", "member": "M0001", "why": "she moved"}, ""),
    "set-mandate": ("hall", "admin", {"operation": "set-policy", "body": "ASSEMBLY"}, ""),
    "call-meeting": ("hall", "sue", {"body": "LOANS", "on": "20260320", "notice_sent_on": "20260302"}, ""),
    "cancel-meeting": ("hall", "sue", {"meeting": "MT-00002", "why": "a storm"}, ""),
    "propose-resolution": ("hall", "sue", {"meeting": "MT-00001", "matter": "other", "text": "We plant a tree [b]"}, ""),
    "withdraw-resolution": ("hall", "sue", {"resolution": "RES-00002", "why": "not now"}, ""),
    "declare-interest": ("hall", "sue", {"resolution": "RES-00001", "member": "M0002", "why": "asks for it"}, ""),
    "record-vote": ("hall", "sue", {"resolution": "RES-00002", "member": "M0002", "vote": "against"}, ""),
    "record-count": ("hall", "sue", {"resolution": "RES-00001", "in_favour": "2", "against": "0"}, "sue declare-interest resolution=RES-00001 member=M0002 why=asks"),
    "close-vote": ("hall", "sue", {"resolution": "RES-00002"}, ""),
    "open-poll": ("hall", "sue", {"meeting": "MT-00001", "form": "election", "question": "Who?", "options": "M0001\nM0002", "committee": "LOANS", "seats": "1"}, ""),
    "withdraw-poll": ("hall", "sue", {"poll": "PL-00001", "why": "a ballot was lost"}, ""),
    "give-ballots": ("hall", "sue", {"poll": "PL-00002", "members": "M0001"}, ""),
    "close-poll": ("hall", "sue", {"poll": "PL-00002"}, ""),
    "load-ballots": ("hall", "sue", {"poll": "PL-00001", "ballots": "2x ROOF\nblank"}, ""),
    "declare-result": ("hall", "sue", {"poll": "PL-00001"}, "sue+tom load-ballots poll=PL-00001 ballots='[\"3x ROOF\"]'"),
    "write-credit-memo": ("hall", "ana", {"application": "A-001", "terms": "6 %", "memo": "Sells at fairs [b]"}, ""),
    "consent-to-share": ("hall", "ana", {"application": "A-001", "consent": "yes", "how": "a form"}, ""),
    # staff
    "add-user": ("town", "admin", {"user": "eve", "full_name": "Eve Lamar", "user_roles": "teller"}, ""),
    "approve": ("town", "tom", {"request": "{waits}"}, ""),
    "change-role": ("town", "admin", {"user": "ana", "user_roles": "teller"}, ""),
    "set-role": ("town", "admin", {"role": "teller", "operation": "withdraw", "alone_up_to": "200"}, ""),
    "set-day-limit": ("town", "admin", {"role": "teller", "amount": "2000"}, ""),
    "declare-relative": ("town", "ana", {"user": "ana", "relative": "M0003"}, ""),
    "set-signing-key": ("town", "admin", {"sign": "ab" * 32, "seal": "cd" * 32}, ""),
    "reset-sign-in": ("town", "admin", {"user": "tom", "why": "forgotten [b]"}, ""),
    "link-user": ("town", "admin", {"user": "tom", "member": "M0002"}, ""),
    "refuse": ("town", "tom", {"request": "{waits}", "why": "not now"}, ""),
    "set-policy": ("town", "tom", {"policy": "drawer_limit", "value": "3000.00"}, ""),
    "take-back": ("town", "ana", {"request": "{waits}"}, ""),
    # the books
    "close-opening": ("old", "tom", {}, OPENING := (
        "tom+sue opening-balance lines='[\"GEN 940 Cr 10.00\",\"GEN 741 Dr 10.00\"]'")),
    "correct": (
        "slipped", "ana",
        {"operation": "{slip}", "wrong_account": "M0001", "right_account": "M0002", "reason": "typed for another"}, "",
    ),
    "journal-entry": ("town", "tom", {"memo": "moved", "lines": "GEN 290 Dr 5.00\nGEN 280 Cr 5.00"}, ""),
    "opening-balance": ("old", "tom", {"lines": "GEN 940 Cr 10.00\nGEN 741 Dr 10.00"}, ""),
    "reverse": ("slipped", "ana", {"operation": "{slip}", "reason": "typed twice"}, ""),
}  # fmt: skip
ALONE = {
    "close-day", "close-year", "reopen-year", "sign-difference", "record-death", "redeem-shares",
    "return-cheque", "refuse", "dispose-parcel", "receive-grant", "confirm-pair", "receive-from-institution",
    "pay-institution", "forget-request", "pay-dividend", "allocate-surplus", "pay-patronage",
    "redeem-patronage", "close-petty-cash", "sign-reconciliation", "withdraw-bank-lines", "start-campaign",
    "record-reply", "resolve-exception", "close-campaign", "withdraw-resolution", "record-count",
    "withdraw-poll", "load-ballots", "declare-result", "reverse", "resume-accrual",
}  # fmt: skip
"""Each in a sitting of its own: others would be refused after it, or it after others."""
LAST = {
    "lost-contact", "transfer-shares", "declare-relative", "close-drawer", "apply-unapplied",
    "refund-unapplied", "forget-case",
}  # fmt: skip
"""After what others do in the same sitting."""
A_SITTING = 12  # operations
ENOUGH = 10  # characters of a title, of which hardly two begin alike


def test_no_operation_is_left_out() -> None:
    offered = {name for name, cls in CATALOGUE.items() if not cls.internal}
    assert set(CASES) == offered
    assert sorted(name for sitting in SITTINGS.values() for name in sitting.names) == sorted(CASES)


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Scene]:
    """The gallery's banks, each made once when it is first asked for."""
    folder = tmp_path_factory.mktemp("scenes")

    @cache
    def made(name: str) -> Scene:
        setting = SCENES[name]
        if setting.after is None:
            scene = found_scene(folder / name, **setting.founding)
        else:
            scene = made(setting.after).copied(folder / name)
        scene.play(setting.steps)
        return scene

    return made


@dataclass(frozen=True)
class Sitting:
    """Who signs in where, and what they do one after the other."""

    scene: str
    user: str
    names: tuple[str, ...]


def sittings() -> dict[str, Sitting]:
    """All cases: those of one person in one bank in one sitting, a few at a time; the others each in its own."""
    found: dict[str, Sitting] = {}
    together: dict[tuple[str, str], list[str]] = {}
    for name in sorted(CASES, key=LAST.__contains__):
        scene, user, _fields, before = CASES[name]
        if name in ALONE or "day 20" in before or "clock " in before:
            found[name] = Sitting(scene, user, (name,))
        else:
            together.setdefault((scene, user), []).append(name)
    for (scene, user), names in together.items():
        for begin in range(0, len(names), A_SITTING):
            some = tuple(names[begin : begin + A_SITTING])
            found[f"{scene}-{user}-{some[0]}"] = Sitting(scene, user, some)
    return found


SITTINGS = sittings()


@pytest.mark.parametrize("which", SITTINGS)
async def test_by_keys_from_sign_in_to_receipt(which: str, scenes: Callable[[str], Scene], tmp_path: Path) -> None:
    sitting, played = SITTINGS[which], set[str]()
    scene = scenes(sitting.scene).copied(tmp_path / "books")
    scene.play(CASES[sitting.names[0]][3])  # it may turn the clock, which nobody does at an open counter
    async with counter(str(scene.place), moment=scene.clock) as hand:
        await hand.sign_in(sitting.user, PASSPHRASE)
        for name in sitting.names:
            before = CASES[name][3]
            if before and name != sitting.names[0] and before not in played:
                scene.play(before)  # by colleagues, at other terminals
            played.add(before)
            done_before = done(str(scene.place), name)
            await by_keys(hand, name, scene.numbers)
            assert done(str(scene.place), name) == done_before + 1, name
    assert_book(str(scene.place))


def done(place: str, name: str) -> int:
    """How often it was done or asked for."""
    with closing(sqlite3.connect(place)) as books:
        [number] = books.execute("SELECT count(*) FROM operation WHERE kind IN (?, 'ask')", (name,)).fetchone()
    return int(number)


async def by_keys(hand: Hand, name: str, numbers: dict[str, int]) -> None:
    """From the counter to the receipt, and back to the counter."""
    fields = CASES[name][2]
    await choose(hand, name)
    await fill(hand, {field: text.format(**numbers, waits="R-00008") for field, text in fields.items()})
    await review(hand, name)
    await hand.deaf_time()  # what is typed before the review is painted is not meant for it
    if name in WORDS:
        await hand.type("close")
    await hand.press("enter")
    await hand.until(lambda: isinstance(hand.app.screen, (ReceiptScreen, EntryScreen)), f"the receipt of {name}")
    assert isinstance(hand.app.screen, ReceiptScreen), f"{name}: {hand.screen_text()}"
    await hand.deaf_time()
    await hand.press("enter")
    await hand.until(lambda: isinstance(hand.app.screen, HomeScreen), f"the counter after {name}")


async def choose(hand: Hand, name: str) -> None:
    """From the counter to the form, by the list of everything."""
    title = next(power.title for power in hand.app.session.powers if power.name == name)
    await hand.on(HomeScreen)
    await hand.press("f10")
    await hand.on(MoreScreen)
    named = sum(title.casefold() in power.title.casefold() for power in hand.app.session.powers)
    await hand.type(title if named > 1 else title[:ENOUGH])  # its whole name comes before those that it is a part of
    await hand.quiet()
    more = hand.app.screen
    assert isinstance(more, MoreScreen)
    for _ in range(more.rows.count):
        if more.rows.chosen.name == name:
            break
        await hand.press("down")
    assert more.rows.chosen.name == name
    await hand.press("enter")
    await hand.until(lambda: isinstance(hand.app.screen, (EntryScreen, ReviewScreen)))


async def fill(hand: Hand, fields: Fields) -> None:
    """Type into the fields, coming to each by Tab, and by F8 to the next step."""
    for name, text in fields.items():
        screen = hand.app.screen
        assert isinstance(screen, EntryScreen), hand.screen_text()
        row = next((row for row in screen.rows if row.spec.name == name), None)
        if row is None:
            assert screen.typed().get(name) == text or len(screen._known(spec_of(screen, name))) == 1, name
            continue
        for _ in range(6):
            if row.display:
                break
            await hand.press("f8")
            await hand.quiet()
        chain = screen.focus_chain
        if screen.focused in chain and row.control in chain:
            await hand.burst(*["tab"] * ((chain.index(row.control) - chain.index(screen.focused)) % len(chain)))
        for _ in range(40):
            if row.control.has_focus:
                break
            await hand.press("tab")
        assert row.control.has_focus, f"{name} is not reached by keys"
        await into(hand, row, text)


def spec_of(screen: EntryScreen, name: str):  # type: ignore[no-untyped-def]
    return next(spec for spec in screen._specs if spec.name == name)


async def into(hand: Hand, row: FieldRow, text: str) -> None:
    if isinstance(row.control, Choice):
        for _ in range(len(row.control.options)):
            if row.value == text:
                break
            await hand.press("right")
        assert row.value == text
        return
    first, *more = text.split("\n")
    await hand.burst("end", "ctrl+u", *first)
    for line in more:
        await hand.press("enter")
        await hand.type(line)
    if row.value != text:  # it may be on its way still; what is on the screen is looked at when all is filled in
        await hand.until(lambda: row.value == text, f"{row.spec.name} holds {row.value!r}")


async def review(hand: Hand, name: str) -> None:
    """F9, unless there was nothing to fill in."""
    if isinstance(hand.app.screen, EntryScreen):
        await hand.press("f9")
        await hand.until(
            lambda: isinstance(hand.app.screen, ReviewScreen) or any(r.refused for r in hand.app.screen.query(FieldRow))
            or bool(hand.status()), "a review",
        )  # fmt: skip
        await hand.quiet()
    assert isinstance(hand.app.screen, ReviewScreen), f"{name}: {hand.screen_text()}"
