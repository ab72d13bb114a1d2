"""Cash: drawers, vault and bank; cheques banked and returned; counts, over and short.

A drawer belongs to one person while it is open. Moving cash changes nobody's claim, so
those entries stay in the fund POOL. What a count finds is posted at once to 330: the
book is made equal to the count, never the other way round.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.cheque_credit import corrections, credited
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import (
    BankAccountRef,
    ChequeRef,
    Code,
    Counted,
    DrawerRef,
    Memo,
    Money,
    Pieces,
    Text,
    Widget,
    pieces_of,
)
from coopbank.bank.lending.undoing import told_by
from coopbank.bank.operation import ADMINISTRATOR, LOAN_OFFICER, TELLER, TREASURER, Operation
from coopbank.bank.operations.differences import note_difference
from coopbank.bank.operations.lending import named
from coopbank.bank.operations.savings import FUND, shown
from coopbank.bank.operations.undoing import (
    Past,
    past_operation,
    post_undone,
    require_room,
    undo_loans,
    undo_records,
)
from coopbank.bank.tender import bank_place, cash_out, holds_of
from coopbank.errors import (
    AlreadyExists,
    CannotReverse,
    DrawerClosed,
    InvalidAmount,
    InvalidValue,
    NotAllowed,
    Overdrawn,
    WrongState,
)
from coopbank.ledger import periods
from coopbank.ledger.chart import POOL
from coopbank.ledger.posting import LARGEST_MINOR, Leaf, overdrawn, read_leaves
from coopbank.words import _


class OpenDrawer(Operation):
    """Open a cash drawer of your own, with a float from the vault."""

    name: ClassVar[str] = "open-drawer"
    title: ClassVar[str] = "Open a drawer"
    subject: ClassVar[str] = "cash"
    roles: ClassVar[tuple[str, ...]] = (TELLER, LOAN_OFFICER, TREASURER)
    reversible: ClassVar[bool] = False  # closing it brings the float back

    drawer: Annotated[Code, Field(title="Drawer")]
    float_amount: Annotated[Counted, Field(title="Float from the vault")] = 0
    pieces: Annotated[Pieces | None, Field(title="Notes and coins")] = None

    def perform(self, desk: Desk) -> None:
        periods.require_open_day(desk.tx, desk.business_day)
        require_free_place(desk, self.drawer, "drawer", but=records.Drawer)
        mine = desk.about(records.Drawer, f"open:{desk.actor.user}")
        if mine:
            raise DrawerClosed(
                "You already have drawer {drawer} open.", field="drawer", drawer=mine[0][0],
                hint="Use it, or close it first (close-drawer).",
            )  # fmt: skip
        before = desk.find(records.Drawer, self.drawer)
        if before is not None and before.state == "open":
            raise DrawerClosed(
                "Drawer {drawer} is open already; it is {owner}'s.", field="drawer", drawer=self.drawer,
                owner=before.owner, hint="Choose another drawer.",
            )  # fmt: skip
        require_limit(desk, self.drawer, self.float_amount, "float_amount")
        require_sum(desk, self.pieces or "", self.float_amount, "float_amount")
        body = records.Drawer(owner=desk.actor.user, state="open", opened_by_operation=desk.number)
        desk.write(self.drawer, body, about=f"open:{desk.actor.user}")
        desk.leaf_id(POOL, f"739/{self.drawer}")
        if self.float_amount:
            require_held(desk, "739/VAULT", self.float_amount, "float_amount")
            desk.post(
                f"Float to drawer {self.drawer}",
                [(POOL, f"739/{self.drawer}", self.float_amount), (POOL, "739/VAULT", -self.float_amount)],
            )
        desk.note("Drawer", self.drawer)
        if self.pieces:
            desk.note("Notes and coins", self.pieces)


class MoveCash(Operation):
    """Move cash between your drawer, the vault and the bank."""

    name: ClassVar[str] = "move-cash"
    title: ClassVar[str] = "Move cash"
    subject: ClassVar[str] = "cash"
    roles: ClassVar[tuple[str, ...]] = (TELLER, LOAN_OFFICER, TREASURER)

    from_place: Annotated[Code, Field(title="From (D1, VAULT or a bank account)")]
    to_place: Annotated[Code, Field(title="To (D1, VAULT or a bank account)")]
    amount: Money

    def perform(self, desk: Desk) -> None:
        if self.from_place == self.to_place:
            raise InvalidValue("Both places are the same.", field="to_place")
        source = self._leaf(desk, self.from_place, "from_place")
        target = self._leaf(desk, self.to_place, "to_place")
        if target.startswith("739/") and not target.endswith("/VAULT"):
            require_limit(desk, self.to_place, self.amount, "amount")
        desk.post(
            f"Cash from {self.from_place} to {self.to_place}",
            [(POOL, target, self.amount), (POOL, source, -self.amount)],
        )

    def _leaf(self, desk: Desk, place: str, field: str) -> str:
        if place == "VAULT":
            return "739/VAULT"
        account = desk.find(records.BankAccount, place)
        if account is not None:
            return shared_account(desk, place, account, field)
        own_open_drawer(desk, place, field)
        return f"739/{place}"


class BankCheques(Operation):
    """Take cheques on hand to the bank: one deposit slip."""

    name: ClassVar[str] = "bank-cheques"
    title: ClassVar[str] = "Bank the cheques"
    subject: ClassVar[str] = "cash"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)

    cheques: Annotated[list[Code], Field(min_length=1, max_length=500, title="Cheques"), Widget("ref:cheque")]
    bank_account: Annotated[BankAccountRef | None, Field(title="Bank account")] = None
    slip: Annotated[Text, Field(title="Deposit slip")] = ""

    def perform(self, desk: Desk) -> None:
        place_fund, place = bank_place(desk, self.bank_account)
        if place_fund != POOL:
            raise InvalidValue("Cheques go to a shared bank account.", field="bank_account")
        if len(set(self.cheques)) != len(self.cheques):
            raise InvalidValue("A cheque stands twice in the list.", field="cheques")
        by_drawer: dict[str, int] = {}
        for ref in self.cheques:
            cheque = desk.get(records.Cheque, ref, "cheques")
            if cheque.state != "on-hand":
                raise WrongState(
                    "Cheque {cheque} is {state}; only one that is on hand goes to the bank.", field="cheques",
                    cheque=ref, state=_(cheque.state),
                )  # fmt: skip
            by_drawer[cheque.drawer] = by_drawer.get(cheque.drawer, 0) + cheque.amount
            banked = cheque.model_copy(update={"state": "banked", "bank_account": place.removeprefix("731/")})
            desk.write(ref, banked, about="banked")
        moves: list[Move] = [(POOL, place, sum(by_drawer.values()))]
        moves += [(POOL, f"735/{drawer}", -amount) for drawer, amount in sorted(by_drawer.items())]
        desk.post(f"Deposit slip {self.slip or ''}".strip(), moves)
        desk.note("Cheques", str(len(self.cheques)))
        desk.note("Total", shown(desk, sum(by_drawer.values())))


class ReturnCheque(Operation):
    """The bank sent a cheque back unpaid. What it paid for is taken back; what savings lack is owed by the member."""

    name: ClassVar[str] = "return-cheque"
    title: ClassVar[str] = "Cheque returned unpaid"
    subject: ClassVar[str] = "cash"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)

    cheque: ChequeRef
    bank_charge: Annotated[Counted, Field(title="The bank's charge to us")] = 0

    def serves(self, desk: Desk) -> set[str]:
        cheque = desk.find(records.Cheque, self.cheque)
        if cheque is None:
            return set()
        holders = {_holder(desk, account) for account in _standing(desk, cheque)}
        return {member for member in (cheque.member, *holders) if member is not None}

    def perform(self, desk: Desk) -> None:
        cheque = desk.get(records.Cheque, self.cheque, "cheque")
        if cheque.state != "banked":
            raise WrongState(
                "Cheque {cheque} is {state}; only a banked cheque comes back.", field="cheque", cheque=self.cheque,
                state=_(cheque.state),
            )  # fmt: skip
        _fund, place = bank_place(desk, cheque.bank_account)
        if cheque.account is not None and cheque.account.startswith(f"{FUND} 905/"):
            self._from_savings(desk, cheque, place)
        else:
            self._undone(desk, cheque, place)
        desk.write(self.cheque, cheque.model_copy(update={"state": "returned"}), about="returned")
        self._release(desk, cheque)

    def _release(self, desk: Desk, cheque: records.Cheque) -> None:
        """Nothing of the cheque is held any more, wherever corrections brought it."""
        corrected = (ref for ref, _body in corrections(desk, cheque.received_by_operation))
        for ref in (*holds_of(self.cheque), *corrected):
            hold = desk.find(records.Hold, ref)
            if hold is not None and (hold.state == "held" or ref == self.cheque):
                first = "SELECT about FROM record WHERE kind = ? AND ref = ? AND version = 1"
                leaf = desk.tx.value(first, hold.kind, ref)
                desk.write(ref, hold.model_copy(update={"state": "released"}), about=leaf)

    def _from_savings(self, desk: Desk, cheque: records.Cheque, place: str) -> None:
        """The credit is taken back from where it stands; what savings do not cover there is owed by their member."""
        moves: list[Move] = []
        for account, amount in _standing(desk, cheque).items():
            code, member = f"905/{account}", _holder(desk, account)
            covered = min(amount, -desk.balance(FUND, code))
            moves.append((FUND, code, covered))
            if amount > covered:
                desk.leaf_id(FUND, f"791/{member}", member)
                moves.append((FUND, f"791/{member}", amount - covered))
                desk.note("Owed by the member", shown(desk, amount - covered))
        total = cheque.amount + self.bank_charge
        moves += [(FUND, "260", self.bank_charge), *cash_out(POOL, place, FUND, total)]
        desk.post(f"Cheque {self.cheque} returned", moves)

    def _undone(self, desk: Desk, cheque: records.Cheque, place: str) -> None:
        """What the cheque paid for is taken back as in a reversal, but today and out of the bank account."""
        past = past_operation(desk, cheque.received_by_operation)
        try:
            require_room(desk, past, but_on="735", released=self.cheque, told_anew=bool(told_by(desk, past.number)))
            with named(self, "cheque"):
                undone = undo_loans(desk, past, replay=True)
            undo_records(desk, past, keep=self.cheque)  # refuses before it writes anything
        except (CannotReverse, Overdrawn) as refusal:
            if cheque.member is None:  # nobody could owe it
                raise _way_out(refusal) from refusal
            self._owed(desk, past, cheque.member, place)
        else:
            self._turned(desk, past, place)
            post_undone(desk, undone, f"Cheque {self.cheque} returned")
        if self.bank_charge:
            charge: list[Move] = [(FUND, "260", self.bank_charge), *cash_out(POOL, place, FUND, self.bank_charge)]
            desk.post(f"Cheque {self.cheque} returned: charge", charge)

    def _turned(self, desk: Desk, past: Past, place: str) -> None:
        leaves = read_leaves(desk.tx, sorted(past.moved))
        for entry in past.entries:
            lines = [(leaves[account], amount) for account, amount in entry]
            desk.post(
                f"Cheque {self.cheque} returned: takes back operation {past.number}",
                [(leaf.fund, place if leaf.gl_code == "735" else leaf.code, -amount) for leaf, amount in lines],
            )
        desk.note("Taken back", _("operation {number}, {title}").format(number=past.number, title=_(past.title)))

    def _owed(self, desk: Desk, past: Past, member: str, place: str) -> None:
        """Something rests on what it paid for: that stays, and the member owes the money to each fund that had it."""
        moves: list[Move] = []
        for account, leaf in read_leaves(desk.tx, sorted(past.moved)).items():
            if leaf.gl_code != "879":
                continue
            fund, amount = leaf.contract, -past.moved[account]
            desk.leaf_id(fund, f"791/{member}", member)
            moves += [(fund, f"791/{member}", amount), *cash_out(POOL, place, fund, amount)]
            desk.note("Owed by the member", shown(desk, amount))
        desk.post(f"Cheque {self.cheque} returned: operation {past.number} stays", moves)


def _way_out(refusal: CannotReverse | Overdrawn) -> CannotReverse | Overdrawn:
    """The same refusal about the cheque, with what is done before and after; what was paid out stays paid."""
    first = isinstance(refusal, CannotReverse) and "operations" in refusal.values
    hint = (
        "Reverse these first, the latest of them before the others; return the cheque then, and enter anew out of other"
        " money what was truly paid."
    ) if first else refusal.hint_template  # fmt: skip
    return type(refusal)(refusal.template, field="cheque", hint=hint, **refusal.values)


def _standing(desk: Desk, cheque: records.Cheque) -> dict[str, int]:
    """On which savings accounts the credit of a cheque stands, minor units; on none if it paid for something else."""
    before, _slash, account = (cheque.account or "").partition("/")
    if before != f"{FUND} 905":
        return {}
    return credited(desk, cheque.received_by_operation, account, cheque.amount)


def _holder(desk: Desk, account: str) -> str | None:
    found = desk.find(records.Savings, f"S-{account}")
    return None if found is None else found.member


class _CountingDrawer(Operation):
    """Common to what counts a drawer."""

    subject: ClassVar[str] = "cash"
    roles: ClassVar[tuple[str, ...]] = (TELLER, LOAN_OFFICER, TREASURER)
    reversible: ClassVar[bool] = False

    drawer: DrawerRef
    counted: Annotated[Counted, Field(title="Counted")]
    pieces: Annotated[Pieces | None, Field(title="Notes and coins")] = None
    why: Annotated[Memo | None, Field(title="Why, if it does not agree")] = None

    def count(self, desk: Desk, before: records.Drawer) -> records.Drawer:
        """Post the difference between count and book, and note both; the drawer as it is then."""
        drawer = self.drawer
        require_sum(desk, self.pieces or "", self.counted, "counted")
        code = f"739/{drawer}"
        expected = desk.balance(POOL, code)
        short = expected - self.counted
        if abs(short) > LARGEST_MINOR:
            raise InvalidAmount(
                "The books have {expected} in drawer {drawer}, which no count can come near.", field="counted",
                expected=shown(desk, expected), drawer=drawer,
                hint="Undo first what was typed with digits too many: coopbank entries shows it.",
            )  # fmt: skip
        if short:
            self._require_reason(desk, short)
            where = f"Drawer {drawer} {'short' if short > 0 else 'over'}"
            desk.post(where, [(FUND, "330", short), *cash_out(POOL, code, FUND, short)])
            note_difference(desk, drawer, before.owner or desk.actor.user, short)
        after = before.model_copy(update={"counted": self.counted, "expected": expected})
        desk.write(drawer, after, about=f"open:{before.owner}")
        note_count(desk, expected, short, counted=self.counted, pieces=self.pieces, why=self.why)
        return after

    def _require_reason(self, desk: Desk, short: int) -> None:
        """Refuse a difference that nobody said a word about."""
        if not self.why:
            raise InvalidValue(
                "Drawer {drawer} is {difference}: say why.", field="why", drawer=self.drawer,
                difference=difference(desk, short), hint="Count once more first. If nobody knows, write: not known.",
            )  # fmt: skip


class CountDrawer(_CountingDrawer):
    """Count your drawer. A difference is posted at once to over and short, and wants a word on why."""

    name: ClassVar[str] = "count-drawer"
    title: ClassVar[str] = "Count a drawer"

    def perform(self, desk: Desk) -> None:
        before = own_open_drawer(desk, self.drawer, "drawer")
        self.count(desk, before)


class CloseDrawer(_CountingDrawer):
    """Count your drawer, post the difference, bring the cash to the vault and close it.

    The treasurer closes the drawer of a colleague who is not there, with a second person.
    """

    name: ClassVar[str] = "close-drawer"
    title: ClassVar[str] = "Close a drawer"

    def second_reason(self, desk: Desk) -> str | None:
        drawer = desk.find(records.Drawer, self.drawer)
        colleague = drawer is not None and drawer.state == "open" and drawer.owner != desk.actor.user
        return "A colleague's drawer is counted and closed by two people." if colleague else None

    def perform(self, desk: Desk) -> None:
        before = own_open_drawer(desk, self.drawer, "drawer", or_treasurer=True)
        counted = self.count(desk, before)
        if self.counted:
            desk.post(
                f"Drawer {self.drawer} to vault",
                [(POOL, "739/VAULT", self.counted), (POOL, f"739/{self.drawer}", -self.counted)],
            )
        closed = counted.model_copy(update={"owner": None, "state": "closed", "opened_by_operation": None})
        desk.write(self.drawer, closed, about="closed")


class AddBankAccount(Operation):
    """Enter an account that the institution has at a bank."""

    name: ClassVar[str] = "add-bank-account"
    title: ClassVar[str] = "Add a bank account"
    subject: ClassVar[str] = "cash"
    roles: ClassVar[tuple[str, ...]] = (TREASURER, ADMINISTRATOR)
    second_person: ClassVar[bool] = True

    code: Code
    account_name: Annotated[Text, Field(min_length=1, title="Name")]
    fund: Annotated[Code, Field(title="Fund, POOL if shared")] = POOL

    def perform(self, desk: Desk) -> None:
        if desk.version("bank-account", self.code):
            raise AlreadyExists("There is a bank account {code} already.", field="code", code=self.code)
        require_free_place(desk, self.code, "code", but=records.BankAccount)
        desk.fund_exists(self.fund)
        desk.write(self.code, records.BankAccount(name=self.account_name, fund=self.fund))


def note_count(desk: Desk, expected: int, short: int, *, counted: int, pieces: str | None, why: str | None) -> None:
    """On the receipt: what the books had, what was counted, and what is between them."""
    desk.note("Expected", shown(desk, expected))
    desk.note("Counted", shown(desk, counted))
    if pieces:
        desk.note("Notes and coins", pieces)
    desk.note("Difference", difference(desk, short))
    if why:
        desk.note("Why", why)


def difference(desk: Desk, short: int) -> str:
    """What a count found, in words."""
    if not short:
        return _("none, it agrees")
    return (_("{amount} short") if short > 0 else _("{amount} over")).format(amount=shown(desk, abs(short)))


def require_sum(desk: Desk, pieces: str, counted: int, field: str) -> None:
    """Refuse pieces that do not come to the amount that was counted into the field."""
    total = sum(value * many for value, many in pieces_of(pieces).items())
    if pieces and total != counted:
        raise InvalidValue(
            "The notes and coins come to {total}, and {counted} is written as counted.", field=field,
            total=shown(desk, total), counted=shown(desk, counted), hint="Count once more, or leave the pieces out.",
        )  # fmt: skip


def require_free_place(desk: Desk, place: str, field: str, *, but: type[records.Body]) -> None:
    """Refuse the vault's name, or one that another kind of place has: drawers and bank accounts are named alike."""
    if place.upper() == "VAULT":
        raise InvalidValue("VAULT is the vault.", field=field, hint="Choose another name, for example D1.")
    for kind in (records.Drawer, records.BankAccount, records.PettyCash):
        if kind is not but and desk.find(kind, place) is not None:
            raise AlreadyExists(
                "There is a drawer, a bank account or petty cash called {place} already.", field=field, place=place
            )


def own_open_drawer(desk: Desk, drawer: str, field: str, *, or_treasurer: bool = False) -> records.Drawer:
    """The drawer, refused unless it is open and the actor's; where it is so said, the treasurer may stand in."""
    found = desk.get(records.Drawer, drawer, field)
    if found.state != "open":
        raise DrawerClosed(
            "Drawer {drawer} is not open.", field=field, drawer=drawer, hint="Open it first (open-drawer)."
        )
    if found.owner != desk.actor.user and not (or_treasurer and TREASURER in desk.actor.roles):
        raise NotAllowed(
            "Drawer {drawer} is {owner}'s.", field=field, drawer=drawer, owner=found.owner,
            hint="Whoever has it open counts it and moves its cash.",
        )  # fmt: skip
    return found


def shared_account(desk: Desk, place: str, account: records.BankAccount, field: str) -> str:
    """The code of a bank account that cash goes to or comes from: a shared one, and the treasurer's to use."""
    if account.fund != POOL:
        raise InvalidValue(
            "Bank account {place} belongs to fund {fund} alone.", field=field, place=place, fund=account.fund
        )
    if TREASURER not in desk.actor.roles:
        raise NotAllowed(
            "Cash to and from the bank is the treasurer's.", field=field, hint="Move it to and from VAULT."
        )
    return f"731/{place}"


def require_held(desk: Desk, code: str, wanted: int, field: str) -> None:
    """Refuse to take more out of a place of cash than is there, by the name that the amount has in the form."""
    leaf = desk.leaf(POOL, code)
    if leaf is None:  # nothing was ever put there
        gl_code, _stroke, place = code.partition("/")
        leaf = Leaf(0, gl_code, POOL, place, desk.currency, 0, None, 0)
    if leaf.balance < wanted:
        refusal = overdrawn(leaf, leaf.balance)
        refusal.field = field
        raise refusal


def require_limit(desk: Desk, drawer: str, more: int, field: str) -> None:
    """Refuse to fill a drawer above the policy's limit."""
    limit = desk.amount_policy("drawer_limit")
    after = desk.balance(POOL, f"739/{drawer}") + more
    if limit and after > limit:
        raise InvalidAmount(
            "Drawer {drawer} would hold {after}, above its limit of {limit}.", field=field, drawer=drawer,
            after=shown(desk, after), limit=shown(desk, limit),
        )  # fmt: skip
