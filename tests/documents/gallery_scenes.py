"""The scenes of the error gallery: the banks in which its cases happen, and the steps that led there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support_bank import CHARITY, CREDIT_UNION, WORKER_COOP


@dataclass(frozen=True)
class Setting:
    """How a scene comes about: the scene it begins from, or a founding, and the steps that follow."""

    steps: str
    after: str | None = None
    founding: Mapping[str, Any] = field(default_factory=dict)


def _months(first: int, last: int) -> str:
    """The ends and beginnings of months of 2026, each closed by two people."""
    ends = {month: 30 if month in (4, 6, 9, 11) else 31 for month in range(first, last + 1)}
    return "\n".join(
        f"day 2026-{month:02d}-{end}\nday {2026 + month // 12}-{month % 12 + 1:02d}-01\n"
        f"tom+sue close-month month=2026-{month:02d}"
        for month, end in ends.items()
    )


SCENES = {
    "new": Setting(""),
    "town": Setting(
        """
        ana admit-member member_name="Mia Lee" phone="601 555 0101"
        ana admit-member member_name="José Núñez"
        ana admit-member member_name="Green Tassel Urban Farm" entity=organisation
        @ruth ana admit-member member_name="Ruth Bell"
        ana admit-member member_name="Ana Reyes"
        ana buy-shares member=M0001 amount=25.00
        ana buy-shares member=M0002 amount=25.00
        ana open-savings member=M0001
        @deposit ana deposit member=M0001 amount=150.00
        ana change-member member=M0004 status=left
        admin+tom link-user user=ana member=M0005
        tom+sue issue-note lender="Circle of Small Lenders" amount=5000.00 annual_rate=2 due_on=2029-03-02
        ana+tom grant-loan member=M0003 principal=1200.00 annual_rate=6 installments=12 purpose="a cooler"
        @payout tom disburse-loan loan=L-001
        @payment ana repay-loan loan=L-001 amount=100.00
        ana+tom grant-loan member=M0001 principal=500.00 annual_rate=6 installments=6
        tom+sue open-fund code=EDU fund_name=Education fund_class=restricted
        tom+sue open-fund code=GRANT fund_name="A grant with a condition" fund_class=conditional
        tom receive-gift fund=EDU amount=400.00 donor="A Foundation" tender=transfer
        tom receive-gift fund=GEN amount=60.00 donor="A neighbour" tender=transfer
        ana enter-bill supplier=POWER number=77 amount=80.00 expense=290
        tom pay-bill bill=B-00001 tender=transfer
        ana enter-bill supplier=POWER number=78 amount=30.00 expense=290
        @cheque ana deposit member=M0001 amount=40.00 tender=cheque cheque_number=501
        ana? redeem-shares member=M0002 amount=25.00
        """,
        after="new",
    ),
    "charity": Setting('ana admit-member member_name="Mia Lee"', founding={"institution_kind": CHARITY}),
    "old": Setting('ana admit-member member_name="Mia Lee"', after="new"),
    "opened": Setting(
        """
        @opening tom+sue opening-balance lines='["GEN 940 Cr 10.00","GEN 741 Dr 10.00"]'
        tom+sue close-opening
        """,
        after="old",
    ),
    "banked": Setting(
        'tom+sue add-bank-account code=EDUBANK account_name="Of the education fund" fund=EDU', after="town"
    ),
    "april": Setting("day 2026-03-31\nday 2026-04-01\ntom+sue close-month month=2026-03", after="town"),
    "closed": Setting(_months(3, 12), after="new"),  # every month of 2026
    "surplus": Setting(  # 2026 closed with 500.00 earned, shares of 1,000.00 and 2,000.00, rules, hours
        "\n".join(
            (
                """
        ana admit-member member_name="Mia Lee"
        ana admit-member member_name="José Núñez"
        ana open-savings member=M0001
        ana buy-shares member=M0001 share_class=903 amount=1000.00
        ana buy-shares member=M0002 share_class=903 amount=2000.00
        tom receive-gift fund=GEN amount=500.00 donor="A neighbour" tender=transfer
        tom+sue set-surplus-rules steps='["indivisible 20","patronage hours 100"]' consent=b resolution=R-0
        tom+sue record-hours year=2026 source=sheets hours='["M0001 10.5","M0002 20"]'
        """,
                _months(3, 12),
                "tom+sue open-audit-period year=2026\ntom+sue close-year year=2026",
            )
        ),
        after="new",
    ),
    # A worker co-op's own book: 2026 closed, 900.00 divided over two workers, one of whom gave her share back.
    "farm": Setting(
        "\n".join(
            (
                """
        ana admit-member member_name="Mia Lee"
        ana admit-member member_name="José Núñez"
        ana buy-shares member=M0001 amount=25.00
        ana buy-shares member=M0002 amount=25.00
        tom receive-gift fund=GEN amount=900.00 donor="A neighbour" tender=transfer
        tom+sue set-surplus-rules steps='["indivisible 30","patronage hours 100"]' consent=b resolution=R-0
        tom+sue record-hours year=2026 source=sheets hours='["M0001 1000","M0002 800"]'
        """,
                _months(3, 12),
                "tom+sue open-audit-period year=2026\ntom+sue close-year year=2026\ntom propose-surplus year=2026",
                "tom+sue allocate-surplus year=2026 resolution=R-1",
                "ana+tom accept-redemption member=M0002 amount=25.00",
            )
        ),
        founding={"institution_kind": WORKER_COOP},
    ),
    "union": Setting(
        """
        ana admit-member member_name="Mia Lee"
        ana admit-member member_name="José Núñez"
        ana open-savings member=M0001
        ana open-savings member=M0002
        ana deposit member=M0001 amount=150.00
        tom+sue set-policy policy=member_payments value=yes
        """,
        founding={"institution_kind": CREDIT_UNION},
    ),
    "may": Setting("day 2026-04-01\nana deposit member=M0001 amount=1.00\nday 2026-05-04", after="town"),
    "house": Setting(
        """
        tom+sue set-budget year=2026 resolution="Board, 2 March" lines='["290 1200.00","181 500.00","751 300.00"]'
        tom+sue open-petty-cash petty_cash=PETTY holder=ana float_amount=50.00 from_place=FIRST
        @voucher ana+tom spend-petty-cash petty_cash=PETTY supplier=POST receipt=17 amount=2.50 expense=260
        ana buy-asset asset_name="A press" cost=120.00 life_months=24 supplier=PRESS number=R-1 tender=bill
        tom depreciate month=2026-03
        """,
        after="town",
    ),
    # A solidarity fund that has helped once, and what else stands around the bank.
    "commons": Setting(
        """
        tom+sue open-fund code=SOL fund_name=Solidarity fund_class=designated
        tom receive-gift fund=SOL amount=900.00 donor="Many" tender=transfer
        ana+tom give-aid recipient="Lou Bell" aid_kind=ride amount=40.00 need=work criteria=x relation=x tender=transfer
        tom+sue add-institution code=TRUST institution_name="Land Trust" book=abababababababababababababababab
        tom+sue define-register template=COURSES
        tom+sue define-register template=ATTENDANCE
        tom+sue define-register template=GROUPS
        tom+sue define-register code=TOOLS register_title="Tool library" fields='["tool text required Tool","member \
member required To whom","on date required When","days number total Days","hours hours total Hours","state \
choice(good/worn) State"]'
        ana add-entry register_code=TOOLS values='{"tool":"A drill","member":"M0003","on":"2026-03-01"}'
        """,
        after="town",
    ),
    # A joint owner, a beneficiary, one who was taken off, somebody beside another member; M0002 has died.
    "family": Setting(
        """
        ana add-joint-owner member=M0001 person=M0003
        ana add-joint-owner member=M0001 role=beneficiary person_name="Kit Lee"
        ana add-joint-owner member=M0001 role=authorised-signer person_name="Iris Bell"
        ana+tom remove-joint-owner person=J-00003
        ana add-joint-owner member=M0003 person=M0001
        ana add-joint-owner member=M0002 role=authorised-signer person_name="Iris Bell"
        ana record-death member=M0002 died_on=2026-03-01 evidence="Certificate 4711"
        """,
        after="town",
    ),
    # Five years later: M0001 and M0004 were not heard of, and M0001 has been written to; M0002 left long ago.
    "silent": Setting(
        """
        ana admit-member member_name="Mia Lee"
        ana admit-member member_name="Ruth Bell"
        ana admit-member member_name="Green Tassel Urban Farm" entity=organisation
        ana admit-member member_name="Otis Cole"
        ana buy-shares member=M0001 amount=25.00
        ana open-savings member=M0001
        ana deposit member=M0001 amount=150.00
        ana buy-shares member=M0004 amount=25.00
        ana change-member member=M0002 status=left
        day 2031-03-03
        ana send-due-diligence member=M0001
        """,
        after="new",
    ),
    "slipped": Setting("ana open-savings member=M0002\n@slip ana deposit member=M0001 amount=20.00", after="town"),
    "corrected": Setting(
        "ana correct operation={slip} wrong_account=M0001 right_account=M0002 reason=typed", after="slipped"
    ),
    "undone": Setting(
        """
        @gone ana deposit member=M0001 amount=20.00
        @back ana reverse operation={gone} reason="typed wrong"
        @fee tom+sue issue-note lender=Friend amount=100.00 annual_rate=1 due_on=2027-03-02
        """,
        after="slipped",
    ),
    # Two gifts of which the bank shows one, a fee that the books do not have, and a day that is signed.
    "statement": Setting(
        """
        tom receive-gift amount=900.00 donor=Many tender=transfer
        tom receive-gift amount=70.00 donor=Many tender=transfer
        tom+sue add-bank-account code=SAVE account_name="Savings at the bank"
        tom record-bank-lines start=2026-03-01 end=2026-03-01 opening=0.00 closing=0.00 number_ends=1234
        tom record-bank-lines start=2026-03-02 end=2026-03-02 opening=0.00 closing=888.00 \
            lines='["2026-03-02 900.00 MANY", "2026-03-02 -12.00 FEE"]'
        tom match-bank-line lines='["BS-00002.1"]' entries='["1"]'
        tom record-bank-lines bank_account=SAVE start=2026-03-01 end=2026-03-02 opening=0.00 closing=5.00 \
            lines='["2026-03-02 5.00 INTEREST"]'
        tom sign-reconciliation on=2026-03-01 balance=0.00
        """,
        after="new",
    ),
    # Loans of every kind, of which little has become yet; later, what can become of them.
    "lender": Setting(
        """
        ana admit-member member_name="Mia Lee"
        ana admit-member member_name="Green Tassel Urban Farm" entity=organisation
        ana admit-member member_name="Ruth Bell"
        tom+sue issue-note lender="Circle of Small Lenders" amount=9000.00 annual_rate=2 due_on=2036-03-02
        tom receive-gift fund=GEN amount=2000.00 donor="A neighbour" tender=transfer
        tom+sue add-bank-account code=LLRBANK account_name="Of the reserve" fund=LLR
        ana+tom define-product code=SMALL product_name="Small loan" annual_rate=6 installments=6 \
            least=100.00 most=900.00 most_rate=9 most_installments=24 late_fee_percent=5 late_fee_days=10 \
            funds='["RLF"]'
        ana+tom define-product code=OLD product_name="What we used to lend" installments=6
        ana withdraw-product product=OLD
        ana apply-for-loan member=M0001 product=TERM amount=400.00 purpose="tools"
        ana apply-for-loan member=M0003 product=TERM amount=90.00 purpose="a trip"
        ana withdraw-application application=A-002
        ana+tom grant-loan member=M0002 principal=1200.00 annual_rate=6 installments=12 purpose="a cooler"
        @payout tom disburse-loan loan=L-001
        ana+tom grant-loan member=M0002 product=LINE principal=800.00 purpose="seed money"
        @draw tom disburse-loan loan=L-002 amount=300.00
        ana+tom grant-loan member=M0002 product=SURPLUS principal=2000.00 every="1 month" report_days=20 \
            payment_days=20 outer_date=2031-03-02 purpose="an oven"
        tom disburse-loan loan=L-003
        ana+tom grant-loan member=M0002 product=REVENUE principal=600.00 every="1 month" report_days=20 \
            payment_days=20 cost_cap_percent=50 outer_date=2029-03-02 purpose="a stall"
        tom disburse-loan loan=L-004
        ana+tom grant-loan member=M0001 product=SMALL principal=300.00 purpose="a bicycle"
        tom disburse-loan loan=L-005
        ana+tom grant-loan member=M0001 principal=400.00 annual_rate=6 installments=6 purpose="tools"
        ana+tom grant-loan member=M0003 principal=200.00 annual_rate=6 installments=6 purpose="a roof"
        tom disburse-loan loan=L-007
        ana+tom grant-loan member=M0003 principal=100.00 annual_rate=6 installments=1 purpose="a tent"
        tom disburse-loan loan=L-008
        ana+tom pledge-collateral loan=L-001 asset="A cooler" cost=1000.00 paid_from={payout}
        ana+tom pledge-collateral loan=L-001 asset="Shelves" cost=100.00 paid_from={payout}
        ana+tom release-collateral collateral=C-002 why="sold, and repaid from the price"
        tom receive-unknown amount=50.00
        tom receive-unknown amount=20.00
        tom clear-suspense suspense=U-00002 to=gift fund=GEN
        """,
        after="new",
    ),
    "later": Setting(
        """
        day 2026-04-02
        @paid ana repay-loan loan=L-001 amount=103.30 tender=transfer
        @filed ana file-report loan=L-003 period=1 surplus=900.00
        tom accept-report loan=L-003 period=1
        day 2026-05-04
        ana repay-loan loan=L-001 amount=103.40 tender=transfer
        ana file-report loan=L-003 period=2 surplus=-100.00
        ana+tom charge-off loan=L-007 resolution="R-3" why="she moved away"
        ana+tom stop-accrual loan=L-005 why="he lost his job"
        """,
        after="lender",
    ),
    "hall": Setting(
        """
        admin+tom set-body body=ASSEMBLY body_name="All members" form=assembly notice_days=0
        admin+tom set-body body=LOANS body_name="Loan committee" form=committee
        admin+tom seat-member body=LOANS member=M0001 until=2027-03-01
        admin+tom set-mandate operation=grant-loan body=ASSEMBLY above=1000.00
        sue call-meeting body=ASSEMBLY on=2026-03-02 notice_sent_on=2026-03-02
        sue call-meeting body=ASSEMBLY on=2026-03-20 notice_sent_on=2026-03-02
        tom apply-for-loan member=M0002 product=TERM amount=200.00 purpose="a saw"
        sue propose-resolution meeting=MT-00001 matter=loan about=A-001 amount=200.00 text="We lend for a saw"
        sue propose-resolution meeting=MT-00001 matter=other text="We paint the door green"
        sue propose-resolution meeting=MT-00002 matter=other text="We paint the gate too"
        sue record-vote resolution=RES-00002 member=M0001 vote=for
        sue record-vote resolution=RES-00002 member=M0003 vote=for
        sue open-poll meeting=MT-00001 form=allocation question="What is the gift for?" fund=EDU pot=400.00 \
            options='["ROOF 300.00 A new roof","SHOP 100.00 A shop"]'
        sue give-ballots poll=PL-00001 members='["M0001","M0002","M0003"]'
        sue+tom close-poll poll=PL-00001
        sue open-poll meeting=MT-00001 form=election question="Who decides on loans?" committee=LOANS seats=1 \
            options='["M0001","M0002"]'
        """,
        after="town",
    ),
}
