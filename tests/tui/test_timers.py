"""A timer that goes off once does so, however late the machine lets it begin."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest
from textual import timer
from textual.app import App

from coopbank.tui.timers import once


class Waiting(App[None]):
    """Something that timers belong to."""


async def test_a_machine_that_stops_the_program_in_the_middle_only_delays_it(monkeypatch: pytest.MonkeyPatch) -> None:
    app, told = Waiting(), list[str]()
    async with app.run_test() as pilot:
        seconds = count()
        monkeypatch.setattr(timer._time, "get_time", lambda: float(next(seconds)))  # each look is a second later
        once(app, 0.01, lambda: told.append("ours"))
        app.set_timer(0.01, lambda: told.append("Textual's"))
        while not told:
            await asyncio.sleep(0.01)
        await pilot.pause()
        monkeypatch.undo()
    assert told == ["ours"], "if Textual's goes off too, there is no need of ours any more"
