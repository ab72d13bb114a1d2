"""What the bank may choose for the face of its documents: a colour that can be read, a picture that is one."""

from __future__ import annotations

import base64
import re
from io import BytesIO
from pathlib import Path

from coopbank.errors import InvalidValue, WrongUsage

MOST_KILOBYTES = 64
LARGEST_PICTURE = MOST_KILOBYTES * 1024 * 4 // 3 + 4
"""Characters of a picture in base64."""


def require_colour(text: str) -> str:
    """A colour in which letters on white can be read (WCAG 2.2, 1.4.3)."""
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", text):
        raise InvalidValue("Write a colour as # and six digits, for example #1d4f5c.", field="value")
    light = [_linear(int(text[at : at + 2], 16)) for at in (1, 3, 5)]
    luminance = sum(part * weight for part, weight in zip(light, (2126, 7152, 722), strict=True)) // 10_000
    if (luminance + 50_000) * 45 // 10 > 1_050_000:  # contrast with white below 4.5
        raise InvalidValue(
            "{colour} is too light to be read on white paper.", field="value", colour=text, hint="Choose a darker one."
        )
    return text.lower()


def _linear(level: int) -> int:
    """Light of a level from 0 to 255, in millionths (sRGB)."""
    share = level / 255
    return round(1_000_000 * (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4))


def picture_of(path: Path) -> str:
    """The picture of a file in base64; refuses a file that is too large or cannot be read."""
    try:
        if path.stat().st_size > MOST_KILOBYTES * 1024:
            raise InvalidValue(
                "{file} is too large: {most} kB at most.", field="file", file=path, most=MOST_KILOBYTES,
                hint="Make the picture smaller; it is printed at half an inch.",
            )  # fmt: skip
        return base64.b64encode(path.read_bytes()).decode()
    except OSError as error:
        raise WrongUsage(
            "{file} cannot be read: {why}.", field="file", file=path, why=error.strerror or error
        ) from error


def require_picture(text: str) -> str:
    """A PNG or JPEG in base64 that can be read to its last point: whatever is wrong shows now, not in a paper."""
    from PIL import Image  # not on top: few ever need it

    try:
        content = BytesIO(base64.b64decode(text, validate=True))
        with Image.open(content, formats=("PNG", "JPEG")) as picture:
            picture.verify()
            large = max(picture.size) > 4000
        if not large:
            with Image.open(content, formats=("PNG", "JPEG")) as picture:
                picture.load()
    except Exception as error:  # a damaged picture makes Pillow raise whatever comes of it
        raise InvalidValue(
            "This is no PNG or JPEG picture.", field="value", hint="Give the picture's file to: coopbank logo FILE"
        ) from error
    if large:
        raise InvalidValue("The picture is more than 4000 points wide or high.", field="value")
    return text
