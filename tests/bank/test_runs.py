"""The bank's checks see plain operations in runs, and say of them what they would say of each by itself."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from coopbank.bank.close_proof import CloseProof
from coopbank.bank.lending.provision_proof import ProvisionProof
from coopbank.bank.verify import Registers, _replay, _replay_plain
from coopbank.ledger.columns import Run
from coopbank.ledger.log import Leaf, Log, Operation, Stored
from tests.ledger.support import page_of

LEAVES = {1: ("731", "POOL", "B-1"), 2: ("879", "POOL", "GEN"), 3: ("879", "POOL", "REV"), 4: ("729", "GEN", ""),
          5: ("729", "REV", ""), 6: ("905", "GEN", "M0001"), 7: ("701", "REV", "L-1")}  # fmt: skip
PAIRS = [[(1, 1), (2, -1)], [(1, 1), (3, -1)], [(4, 1), (6, -1)], [(5, 1), (7, -1)], [(6, 1), (6, -1)]]
STORED = Stored(*[None] * len(Stored._fields))


def books() -> Log:
    """Leaves of the pool and of two funds."""
    leaves = {
        number: Leaf(1, number, control, fund, contract, None, "asset", "USD", None, None)
        for number, (control, fund, contract) in LEAVES.items()
    }
    return Log(leaves=leaves)


def operations(random: Random, count: int) -> Iterator[Operation]:
    """Operations whose entries balance; what a fund claims is covered after most of them, not after all."""
    entry = 1
    for number in range(count):
        together = random.choice(
            ([0, 2], [0, 2], [1, 3], [4], [0], [2]) if number > count // 2 else ([0, 2], [1, 3], [4])
        )
        amount = random.randint(1, 900)
        entries = []
        for pair in together:
            lines = [[leaf, sign * amount] for leaf, sign in PAIRS[pair]]
            entries.append([entry, "2026-03-02", "", None, lines])
            entry += 1
        kind = random.choice(("deposit", "deposit", "deposit", "close-day"))
        yield Operation("b", number + 2, "", "2026-03-02", "ann", None, kind, 1, "k", {}, entries, [], "", "")


@pytest.mark.parametrize("seed", range(8))
def test_a_run_is_replayed_as_its_operations_are(seed: int) -> None:
    told = list(operations(Random(seed), 30))
    ends = []
    for size in (1, 7, 30):
        log, state, provision, closes = books(), Registers(), ProvisionProof(), CloseProof()
        for start in range(0, 30, size):
            run = Run(page_of(*told), start, min(start + size, 30))
            _replay_plain(state, log, run)
            provision.watch_plain(log, run)
            closes.watch_plain(log, run)
        ends.append((state.balances, state.sums, provision.recent, closes.unsigned, closes.waiting, log.found))
    log, state, provision, closes = books(), Registers(), ProvisionProof(), CloseProof()
    for operation in told:
        _replay(state, log, operation)
        provision.watch(state, log, operation)
        closes.watch(log, operation, STORED)
        log.last = STORED._replace(id=operation.number)
    ends.append((state.balances, state.sums, provision.recent, closes.unsigned, closes.waiting, log.found))
    said = [[each.listed for each in found.values()] for *_rest, found in ends]
    for end, found in zip(ends, said, strict=True):
        assert end[:-1] == ends[0][:-1]
        assert found == said[0]
    assert any(finding.check == "claims" for found in said[0] for finding in found)
