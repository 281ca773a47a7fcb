"""Put all pictures of the lessons, as they are stored in the notebooks, on one sheet for each lesson, to be looked at.

    python tools/contact_sheet.py OUT            # a folder; OUT/00.png, OUT/01.png …
    python tools/contact_sheet.py OUT 04 07

Under each picture stands the number of its cell; live figures are framed.
"""

import argparse
import json
from base64 import b64decode
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
WIDTH, COLUMNS, GAP = 620, 3, 24


def pictures(path):
    """Yield (cell index, whether it is a live figure, picture) of a notebook's stored pictures."""
    for index, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                live = "".join(data.get("text/plain", "")).startswith("[live")
                yield index, live, Image.open(BytesIO(b64decode(data["image/png"]))).convert("RGB")


def sheet(found):
    """Lay pictures out in columns, each put where most room is; returns one picture."""
    heights, placed = [GAP] * COLUMNS, []
    for index, live, image in found:
        image = image.resize((WIDTH, round(image.height * WIDTH / image.width)))
        column = heights.index(min(heights))
        placed.append((index, live, image, GAP + column * (WIDTH + GAP), heights[column]))
        heights[column] += image.height + 2 * GAP
    paper = Image.new("RGB", (GAP + COLUMNS * (WIDTH + GAP), max(heights)), "#E8E8E8")
    pen = ImageDraw.Draw(paper)
    for index, live, image, x, y in placed:
        paper.paste(image, (x, y))
        if live:
            pen.rectangle((x - 2, y - 2, x + image.width + 1, y + image.height + 1), outline="#D55E00", width=3)
        pen.text((x, y + image.height + 4), f"cell {index}{', live' * live}", fill="black")
    return paper


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="the folder for the sheets")
    parser.add_argument("lessons", nargs="*", help="lesson numbers such as 00; all if none is given")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if path.stem[:2] in (arguments.lessons or path.stem[:2]):
            sheet(pictures(path)).save(arguments.out / f"{path.stem[:2]}.png")
            print(arguments.out / f"{path.stem[:2]}.png")


if __name__ == "__main__":
    main()
