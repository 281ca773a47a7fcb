"""Mark the whole class of made-up students (tests/stage/submissions.py), and print what each got, and in what time.

python benchmarks/class_marks.py
"""

import csv
import hashlib
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "stage")]

from submissions import complaints, table, write_class  # noqa: E402

from ddim_lessons.stage.marks import can_box, mark_class  # noqa: E402


def digest(folder):
    """Return a digest of all that stands under a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(str(path).encode() + path.read_bytes() for path in paths)).hexdigest()


def main():
    with TemporaryDirectory() as name:
        folder, kept, out = Path(name) / "class", Path(name) / "kept", Path(name) / "out" / "marks.csv"
        folder.mkdir()
        (kept / "below").mkdir(parents=True)
        (kept / "below" / "mine.txt").write_text("mine")
        students = write_class(folder, kept, boxed=can_box())
        before, began = (digest(folder), digest(kept)), monotonic()
        mark_class(folder, out, seconds=20)  # two at once
        took = monotonic() - began
        with open(out, encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        print(table(students, rows))
        print(
            f"{len(students)} submissions in {took:.0f} s; outside the boxes changed:",
            before != (digest(folder), digest(kept)),
        )
        print("not as they must be:", complaints(students, rows) or "none")


if __name__ == "__main__":
    main()
