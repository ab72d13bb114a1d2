"""Makes docs/volunteers.md and its pictures: an evening at the counter, driven by keys at 80x24.

    python -m tests.documents.volunteers_page

The evening is lived in a practice bank, on a clock that stands still; each step is typed as a volunteer would type it, and
what the screen then shows is kept as SVG beside the page. A test lives the same evening and proves the books.
"""

# ruff: noqa: E501  (a sentence of the page is a line)

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from coopbank.practice import make_practice
from tests.tui.support import Hand, counter

FOLDER = Path(__file__).parents[2] / "docs"
PICTURES = "volunteers"
EVENING = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)  # half past five in Jackson

Act = Callable[[Hand], Awaitable[None]]


@dataclass(frozen=True)
class Scene:
    """A step of the evening: what is wanted, what is typed, and what the page says of it."""

    name: str
    title: str
    says: str
    act: Act


async def post(hand: Hand) -> None:
    """From a form through the review to its receipt."""
    await hand.press("f9")
    await hand.see("Enter ")
    await hand.deaf_time()
    await hand.press("enter")
    await hand.see("Head of the chain")
    await hand.deaf_time()


async def find(hand: Hand, name: str) -> None:
    await hand.press("escape")
    await hand.type(name)
    await hand.quiet()
    await hand.press("enter")
    await hand.quiet()


async def sign_in(hand: Hand) -> None:
    await hand.sign_in("pat")
    await hand.see("Practice 1 of 8")


async def open_day(hand: Hand) -> None:
    await hand.press("f8")
    await hand.see("today is")
    await hand.press("enter")
    await hand.see("Open the business day")
    await post(hand)
    await hand.press("escape")
    await hand.see("with a float from the vault")
    await hand.press("enter")
    await hand.see("Open a cash drawer")
    await hand.type("200")


async def open_drawer(hand: Hand) -> None:
    await post(hand)
    await hand.press("escape")
    await hand.see("D1, with 200.00 in it")
    await hand.press("escape")


async def admit(hand: Hand) -> None:
    await hand.press("f10")
    await hand.type("admit")
    await hand.quiet()
    await hand.press("enter")
    await hand.see("Admit a person")
    await hand.type("Della Hollis")
    await hand.press("tab", "tab")
    await hand.type("601 555 0142")
    await post(hand)


async def instalment(hand: Hand) -> None:
    await hand.press("enter")
    await find(hand, "della")
    await hand.press("f6")
    await hand.see("Take money for shares")
    await hand.type("10")
    await hand.see("Towards a share")


async def deposits(hand: Hand) -> None:
    await post(hand)
    await hand.press("enter")
    for name, amount in (("ada", "20"), ("amos", "35.50")):
        await find(hand, name)
        await hand.press("f3")
        await hand.see("Take money in")
        await hand.type(amount)
        await post(hand)
        if name == "ada":
            await hand.press("enter")


async def refused(hand: Hand) -> None:
    await hand.press("enter")
    await find(hand, "bettye")
    await hand.press("f4")
    await hand.see("Pay a member money out")
    await hand.type("900")
    await hand.see("!")


async def loan_payment(hand: Hand) -> None:
    await hand.press("escape")
    await hand.see("Leave this form?")
    await hand.press("right", "enter")
    await find(hand, "tassel")
    await hand.press("f5")
    await hand.see("Take a payment on a loan")
    await hand.type("101.63")
    await hand.see("101.63")
    await hand.quiet()


async def undo(hand: Hand) -> None:
    await post(hand)
    await hand.press("enter")
    await find(hand, "ada")
    await hand.press("tab", "tab", "enter")
    await hand.see("F6 reverses")
    await hand.press("f6")
    await hand.see("Reverse an operation")
    await hand.type("it was 10.00, not 20.00")
    await hand.press("f9")
    await hand.see("Enter posts")


async def count(hand: Hand) -> None:
    await hand.deaf_time()
    await hand.press("enter")
    await hand.see("Head of the chain")
    await hand.deaf_time()
    while "Ready for the next member" not in hand.screen_text():
        await hand.press("escape")
        await hand.quiet()
    await hand.press("f8")
    await hand.see("Close your drawer")
    for _ in range(12):
        if hand.app.screen.query_one("#day-steps").chosen.does == "close-drawer":  # type: ignore[attr-defined]
            break
        await hand.press("down")
    await hand.press("enter")
    await hand.see("how many there are of each")
    await hand.press("enter")
    held = hand.app.standing.mine.holds - 5_00  # type: ignore[union-attr]
    for value in (100_00, 50_00, 20_00, 10_00, 5_00, 2_00, 1_00, 25, 10, 5, 1):
        many, held = divmod(held, value)
        if many:
            await hand.type(str(many))
        await hand.press("enter")
    await hand.type("a five was given as change twice")
    await hand.see("a five was given as change twice")


async def short(hand: Hand) -> None:
    await hand.press("f9")
    await hand.see("5.00 short")


async def close_day(hand: Hand) -> None:
    await hand.deaf_time()
    await hand.press("enter")
    await hand.see("Head of the chain")
    await hand.deaf_time()
    await hand.press("escape")
    await hand.see("every drawer is closed")
    await hand.press("end", "enter")
    await hand.see("Type CLOSE")
    await hand.deaf_time()
    await hand.type("close")


async def closed(hand: Hand) -> None:
    await hand.press("enter")
    await hand.see("Head of the chain")


async def statements(hand: Hand) -> None:
    await hand.deaf_time()
    await hand.press("escape")
    await hand.press("escape")
    await hand.see("Ready for the next member")
    await hand.press("f10")
    await hand.type("statements of")
    await hand.quiet()
    await hand.press("enter")
    await hand.see("Month")
    await hand.press("end", "ctrl+u")
    await hand.type("2026-11")
    await hand.press("f9")
    await hand.see("statements are in")


EVENING_SCENES = (
    Scene("1-sign-in", "Sign in", "Type your user name, Enter, your passphrase, Enter. What to do next stands in the yellow line.", sign_in),
    Scene("2-open-the-day", "Open the day and your drawer", "**F8**, Enter opens the day. The next line opens your drawer: type the float that you take from the vault.", open_day),
    Scene("3-ready", "Ready", "**F9** shows a review, Enter posts. Now the counter waits for the first member.", open_drawer),
    Scene("4-admit", "Somebody joins", "**F10**, a part of the word, Enter: the form to admit a member. Only the name has to be filled in.", admit),
    Scene("5-instalment", "A share by instalments", "Find Della, **F6**: she pays 10.00 towards a share of 25.00. On the right stands what it will do.", instalment),
    Scene("6-deposits", "Two members pay in", "Find each, **F3**, the amount, **F9**, Enter. The receipt has a number and the head of the chain.", deposits),
    Scene("7-refused", "A withdrawal that cannot be", "Bettye asks for more than she has. The counter says at the field why not, and how much she can have.", refused),
    Scene("8-loan-payment", "A loan payment", "The urban farm pays. The split into interest and principal is shown before anything is posted.", loan_payment),
    Scene("9-undo", "A mistake undone", "Ada's 20.00 were 10.00. Find her, Tab to the passbook, Enter on the line, **F6**, and say why. Both stay to be seen.", undo),
    Scene("10-count", "Count the drawer", "**F8**, Close your drawer: type how many there are of each note and coin. What the book expects is not shown yet.", count),
    Scene("11-short", "Five short", "The review says it in words, with the reason. It is booked at once; nobody covers it.", short),
    Scene("12-close", "Close the day", "The last line of the list. Because it cannot be undone, the word has to be typed.", close_day),
    Scene("13-closed", "Closed", "The receipt of the day: its totals and the head of the chain.", closed),
    Scene("14-statements", "The statements", "**F10**, statements, Enter: the month, **F9**. One PDF for every member, in the folder that is shown.", statements),
)  # fmt: skip


async def live(folder: Path, keep: Callable[[Scene, Hand], None]) -> str:
    """Live the evening in a folder; `keep` sees the screen after each step. Returns the place of the books."""
    place = folder / "practice.db"
    make_practice(str(place), EVENING.date())
    before = Path.cwd()
    os.chdir(folder)
    try:
        async with counter(str(place), moment=EVENING) as hand:
            for scene in EVENING_SCENES:
                await scene.act(hand)
                await hand.quiet()
                keep(scene, hand)
    finally:
        os.chdir(before)
    return str(place)


def page() -> str:
    """The text of docs/volunteers.md."""
    lines = [
        "# An evening at the counter", "",
        "For whoever stands at the counter for the first time. Nothing here needs a mouse, a manual or a course in accounting.",
        "To try it, start `coopbank` in an empty folder and choose **Practise**: nothing there counts, and a guide leads through",
        "this very evening. All pictures are of a terminal of 80 columns and 24 lines; they were made by",
        "`python -m tests.documents.volunteers_page`, which typed what stands here.", "",
        "Three things to know: **nothing is in the books before you press Enter in the review**; Esc goes one step back; F1 helps.",
        "",
    ]  # fmt: skip
    for number, scene in enumerate(EVENING_SCENES, 1):
        lines += [
            f"## {number}. {scene.title}",
            "",
            scene.says,
            "",
            f"![{scene.title}]({PICTURES}/{scene.name}.svg)",
            "",
        ]
    lines += ["All keys: [keys.md](keys.md). The words of the bank: F10, The words of the bank.", ""]
    return "\n".join(lines)


def main() -> None:
    pictures = FOLDER / PICTURES
    pictures.mkdir(exist_ok=True)

    def keep(scene: Scene, hand: Hand) -> None:
        (pictures / f"{scene.name}.svg").write_text(hand.app.export_screenshot(title="coopbank"), encoding="utf-8")

    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CONFIG_HOME"] = folder
        asyncio.run(live(Path(folder), keep))
    (FOLDER / "volunteers.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
