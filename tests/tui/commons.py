"""The small bank of the counter's tests as a commons: notes, a body that votes, a ballot, registers with entries."""

from __future__ import annotations

from tests.support_bank import SmallBank


def common_life(small: SmallBank) -> None:
    """Notes and what funds owe each other, decisions on their way, and registers. On 5 March 2026."""
    money_of_others(small)
    decisions(small)
    registers(small)


def money_of_others(small: SmallBank) -> None:
    """Two classes of notes, and a fund that lends to another."""
    two = {"by": small.tom, "approver": small.sue}
    small.agreed("define-note-class", note_class="A", rank=1, class_title="Senior", resolution="R-0", **two)
    note = {"fund": "RLF", "amount": "2000.00", "annual_rate": "2", "tender": "transfer"}
    small.agreed("issue-note", lender="[b]Foundation[/b]", note_class="A", due_on="2027-06-30", **two, **note)
    small.agreed("issue-note", lender="Peer", note_class="B", due_on="2026-09-01", **two, **note)
    small.agreed("lend-to-fund", from_fund="RLF", to_fund="GEN", amount="300.00", resolution="R-1",
                 due_on="2026-10-01", **two)  # fmt: skip


def decisions(small: SmallBank) -> None:
    """An assembly that meets today: a vote that is open, one that was closed, and a secret ballot."""
    two = {"by": small.admin, "approver": small.tom}
    small.agreed("set-body", body="ASSEMBLY", body_name="All [red]members[/red]", form="assembly", quorum_percent="50",
                 notice_days=0, **two)  # fmt: skip
    small.agreed("set-body", body="LOANS", body_name="Loan committee", form="committee", notice_days=3, **two)
    small.agreed("seat-member", body="LOANS", member="M0001", until="2027-03-01", **two)
    small.do("call-meeting", small.sue, body="ASSEMBLY", on="2026-03-05", notice_sent_on="2026-03-05")
    for text in ("We lend the cooler =1+1", "We paint the door <b>green</b>"):
        small.do("propose-resolution", small.sue, meeting="MT-00001", matter="other", text=text)
    for member in ("M0001", "M0002", "M0004"):
        small.do("record-vote", resolution="RES-00001", member=member, vote="for")
    small.agreed("close-vote", small.sue, small.tom, resolution="RES-00001")
    small.do("declare-interest", resolution="RES-00002", member="M0005", why="a relative")
    small.do("record-vote", resolution="RES-00002", member="M0001", vote="for")
    small.do("open-poll", meeting="MT-00001", form="election", question="Who decides on loans?", committee="LOANS",
             seats=2, options="M0001\nM0002\nM0004")  # fmt: skip
    small.do("give-ballots", poll="PL-00001", members=["M0002", "M0004"])


def registers(small: SmallBank) -> None:
    """Jobs of the loan, changed once, and hours that members gave."""
    two = {"by": small.tom, "approver": small.sue}
    for template in ("JOBS", "VOLUNTEERS"):
        small.agreed("define-register", template=template, **two)
    jobs = ["loan: L-001", "on: 2026-03-05", "basis: actual", "created: 2", "retained: 1.5", "wage: 17.50"]
    small.do("add-entry", by=small.tom, register_code="JOBS", values=jobs)
    small.do("change-entry", by=small.tom, entry="JOBS-00001", values={"created": "3"}, why="one more was hired")
