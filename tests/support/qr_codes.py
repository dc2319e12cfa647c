"""Reads QR codes as a phone's camera does: from the picture alone, by a library that has drawn none of them."""

from __future__ import annotations

import re
from io import BytesIO

import zxingcpp
from PIL import Image, ImageDraw

BAR = re.compile(r"M(\d+) (\d+)h(\d+)v(\d+)")
SCALE = 4


def read_picture(png: bytes) -> list[str]:
    """What the QR codes in a picture say, such as a screenshot."""
    with Image.open(BytesIO(png)) as picture:
        return [found.text for found in zxingcpp.read_barcodes(picture.convert("L"))]


def read_svg(svg: str, ground: int = 255) -> list[str]:
    """What the QR code of an SVG says, on a ground of this brightness (0: black)."""
    _, _, width, height = map(int, re.findall(r'viewBox="([^"]+)"', svg)[0].split())
    picture = Image.new("L", (3 * width * SCALE, 3 * height * SCALE), ground)
    draw = ImageDraw.Draw(picture)
    for fill, path in re.findall(r'fill="#(\w+)" d="([^"]+)"', svg):
        for x, y, across, down in [map(int, bar) for bar in BAR.findall(path)]:
            left, top = (width + x) * SCALE, (height + y) * SCALE
            corners = (left, top, left + across * SCALE - 1, top + down * SCALE - 1)
            draw.rectangle(corners, fill=255 if fill == "fff" else 0)
    return [found.text for found in zxingcpp.read_barcodes(picture)]
