"""What verify proves of the registers: every entry is what its definition let it be, of things that are."""

from __future__ import annotations

from collections.abc import Iterator

from coopbank.bank import records
from coopbank.bank.institution_registers import Definition, definition_of, value_faults
from coopbank.bank.replayed import Registers
from coopbank.ledger.log import Log, Operation


class RegisterProof:
    """Watches definitions and entries pass."""

    def __init__(self) -> None:
        self._definitions: dict[tuple[str, int], Definition] = {}

    def watch(self, state: Registers, log: Log, operation: Operation) -> None:
        """Each definition is kept by its version; each entry is held against the one that it names."""
        for row in operation.rows:
            if row[0] != "record":
                continue
            _table, kind, ref, version, _about, body = row
            if kind == records.Register.kind:
                self._definitions[ref, version] = definition_of(ref, records.Register.model_validate(body))
            elif kind == records.RegisterEntry.kind:
                for fault in self._faults(state, ref, records.RegisterEntry.model_validate(body)):
                    log.add("institution registers", f"{ref}: {fault}", operation.number)

    def _faults(self, state: Registers, ref: str, body: records.RegisterEntry) -> Iterator[str]:
        definition = self._definitions.get((ref.rpartition("-")[0], body.register_version))
        if definition is None:
            yield f"there is no version {body.register_version} of its register"
            return
        for field in definition.live:
            if field.required and field.name not in body.values:
                yield f"{field.name} is missing"
        for name, value in body.values.items():
            known = definition.field(name)
            fault = "is no field of its register" if known is None else value_faults(known, value)
            if known is not None and fault is None and known.type in ("member", "loan"):
                fault = None if (known.type, value) in state.records else f"names {value}, which there is not"
            if fault is not None:
                yield f"{name} {fault}"
