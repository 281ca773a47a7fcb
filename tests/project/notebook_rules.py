"""The rules of a lesson's file, each a function from a notebook to a list of complaints."""

import ast
import re
from statistics import median

from ddim_lessons.figures.typeset import in_html
from ddim_lessons.teaching.road import exercise_of, is_main, stretch

TAGS = re.compile(r"setup|nbval-ignore-output|side-road|whole|exercise-\d+\.\d+")
SLIDES = {"slide", "subslide", "fragment", "skip", "notes", "-"}
VOLATILE = re.compile(r"0x[0-9a-f]{6,}|/home/|/root/|/tmp/|C:\\\\|\d+(\.\d+)? ?(ms|µs)\b")


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def execution_counts(notebook):
    """1 … n: a null would mean that strict nbval compares nothing."""
    counts = [cell.execution_count for cell in code_cells(notebook)]
    return [] if counts == list(range(1, len(counts) + 1)) else [f"execution counts are {counts}"]


def metadata(notebook):
    """kernelspec python3, no widget state, known tags, slide types, no timings."""
    wrong = []
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        wrong.append("kernelspec is not python3")
    if set(notebook.metadata) != {"kernelspec", "language_info"}:
        wrong.append(f"notebook metadata are {sorted(notebook.metadata)}")
    for cell in notebook.cells:
        wrong += [f"unknown tag {tag!r}" for tag in cell.metadata.get("tags", []) if not TAGS.fullmatch(tag)]
        if cell.metadata.get("slideshow", {}).get("slide_type") not in SLIDES:
            wrong.append(f"cell without slide type: {cell.source[:40]!r}")
        if set(cell.metadata) - {"tags", "slideshow"}:
            wrong.append(f"cell metadata are {sorted(cell.metadata)}")
    return wrong


def clean_outputs(notebook):
    """No stderr, no error, no live-widget views, nothing that another run would print differently."""
    wrong = []
    for output in outputs(notebook):
        if output.output_type == "error" or output.get("name") == "stderr":
            wrong.append(f"an output is {output.get('name', 'an error')}: {str(output)[:80]}")
        data = output.get("data", {})
        if any("widget" in mime for mime in data):
            wrong.append("an output holds a widget view")
        text = "".join(output.get("text", "")) + "".join(data.get("text/plain", ""))
        if VOLATILE.search(text):
            wrong.append(f"an output will differ elsewhere: {text[:80]!r}")
    return wrong


def lines(cell):
    return len([line for line in cell.source.splitlines() if line.strip()])


def cell_lengths(notebook):
    """Code cells of at most 12 lines on the main road, 20 beside it, 7 in the median; the setup has at most 5."""
    cells = code_cells(notebook)
    setup = [cell for cell in cells if "setup" in cell.metadata.get("tags", [])]
    rest = [cell for cell in cells if cell not in setup]
    wrong = [f"the setup has {lines(cell)} lines" for cell in setup if lines(cell) > 5]
    wrong += [f"a code cell has {n} lines" for cell in rest if (n := lines(cell)) > (12 if is_main(cell) else 20)]
    middle = median(map(lines, rest)) if rest else 0
    return wrong + ([f"the median code cell has {middle} lines"] if middle > 7 else [])


def opening(notebook):
    """Title, one bold claim, minutes and needs; then the setup cell."""
    first, second = notebook.cells[:2]
    wrong = []
    if not re.match(r"# \d\d · .+\n\n\*\*.+\*\*\n\n\*\d+ minutes on the main road, \d+ in all · .+\*\n", first.source):
        wrong.append("the first cell is not: title, bold claim, minutes on the main road and in all, needs")
    if "setup" not in second.metadata.get("tags", []):
        wrong.append("the second cell is not the setup")
    return wrong


def minutes(notebook):
    """The first cell states the minutes that the rule gives, on the main road and in all."""
    given = [int(n) for n in re.findall(r"\*(\d+) minutes on the main road, (\d+) in all", notebook.cells[0].source)[0]]
    true = [stretch([cell for cell in notebook.cells if is_main(cell)]).minutes, stretch(notebook.cells).minutes]
    return [] if given == true else [f"the first cell says {given} minutes, by the rule it is {true}"]


# --- the road ------------------------------------------------------------------------------------------------------

HEADING = re.compile(r"^(##+) (?:\d+ · )?(Side road: )?", re.MULTILINE)


def headings(cell):
    """Yield (position, level, whether it begins a side road) of a text's headings."""
    if cell.cell_type == "markdown":
        source = re.sub(r"```.*?```", lambda code: " " * len(code.group()), cell.source, flags=re.DOTALL)
        yield from ((m.start(), len(m[1]), bool(m[2])) for m in HEADING.finditer(source))


def formulas(notebook):
    """In every formula braces, and left and right brackets, come in pairs."""
    texts = [re.sub(r"```.*?```", "", c.source, flags=re.DOTALL) for c in notebook.cells if c.cell_type == "markdown"]
    found = [f for text in texts for f in re.findall(r"\$\$.+?\$\$|\$[^$\n]+\$", text, re.DOTALL)]
    counts = [[len(re.findall(p, f)) for p in (r"(?<!\\)\{", r"(?<!\\)\}", r"\\left\b", r"\\right\b")] for f in found]
    odd = [f for f, (opens, closes, left, right) in zip(found, counts, strict=True) if (opens, left) != (closes, right)]
    return [f"brackets do not pair: {f}" for f in odd]


def sections(notebook):
    """Sections are numbered 1, 2, 3 … in order, and the recap comes last."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = re.findall(r"^## (\d+|\w+)", text, re.MULTILINE)
    wanted = [*(str(k) for k in range(1, len(found))), "Recap"]
    return [] if found == wanted else [f"the sections are {', '.join(found)}"]


def side_roads(notebook):
    """The cells of a section whose heading begins "Side road:" carry the tag, and no others; headings begin cells."""
    wrong, level = [], 0  # the level of the side road that we are on; 0 on the main road
    for cell in notebook.cells:
        for position, depth, is_side in headings(cell):
            wrong += [f"a heading stands inside a cell: {cell.source[position:][:40]!r}"] if position else []
            if not 0 < level < depth:
                level = depth if is_side else 0
        if bool(level) == is_main(cell):
            wrong.append(f"{'lacks' if level else 'carries'} the tag side-road: {cell.source[:50]!r}")
    return wrong


def read_by(cell):
    """The names that a cell reads."""
    nodes = list(ast.walk(ast.parse(cell.source)))
    arguments = {n.arg for n in nodes if isinstance(n, ast.arg)}
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)} - arguments


def imported_by(cell):
    """The names that a cell imports."""
    return {
        (n.asname or n.name).partition(".")[0] for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.alias)
    }


def bound_by(cell):
    """The names that a cell binds, imports among them."""
    nodes = list(ast.walk(ast.parse(cell.source)))
    bound = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return bound | {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)} | imported_by(cell)


def borrowed(notebook, lends, lent_by, whose):
    """Complaints about cells that read a name which alone the cells for which ``lends`` is true give."""
    wrong, known, lent = [], set(), set()
    for cell in code_cells(notebook):
        if lends(cell):
            lent |= lent_by(cell)
            continue
        known |= bound_by(cell)
        missing = read_by(cell) & lent - known
        wrong += [f"{sorted(missing)} come from {whose}: {cell.source[:50]!r}"] if missing else []
    return wrong


def main_road_stands_alone(notebook):
    """No cell of the main road reads a name that side roads alone bind."""
    return borrowed(notebook, lambda cell: not is_main(cell), bound_by, "a side road")


def exercises_import_for_themselves(notebook):
    """No other cell reads a name that exercises alone import: a reader may leave an exercise out."""
    return borrowed(notebook, exercise_of, imported_by, "an exercise")


def predictions(notebook):
    """A prediction has a cell of its own: it begins with **Predict.** and has one paragraph and perhaps choices."""
    wrong = []
    for cell in notebook.cells:
        if cell.cell_type != "markdown" or "**Predict" not in cell.source:
            continue
        paragraphs = cell.source.strip().split("\n\n")
        loose = [p for p in paragraphs[1:] if not re.match(r"[*-] |\(?[a-d]\)|\$\$", p)]
        if not cell.source.startswith("**Predict") or loose:
            wrong.append(f"a prediction shares its cell: {cell.source[:60]!r}")
    return wrong


PLUMBING = ("strict=True", "transpose(", "nbval", "# noqa")


def no_plumbing(notebook):
    """What draws and counts stays out of the cells that explain."""
    main = [cell for cell in code_cells(notebook) if is_main(cell)]
    return [f"{word!r} in {cell.source[:50]!r}" for cell in main for word in PLUMBING if word in cell.source]


def one_check_fails_on_purpose(notebook):
    """Once a lesson, the reader sees what a check says to something wrong."""
    shown = [cell for cell in code_cells(notebook) if "on_purpose():" in cell.source and "✗" in str(cell.outputs)]
    return [] if shown else ["no check fails on purpose"]


def ending(notebook):
    """Recap, three questions, the papers' equations, the next lesson."""
    text = "\n".join(cell.source for cell in notebook.cells[-3:])
    parts = ("## Recap", "**Ask yourself.**", "**In the papers.**", "**Next:**")
    return [f"the end lacks {part}" for part in parts if part not in text]


def equations(notebook):
    """The numbers of all numbered equations, in order."""
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return [number for source in sources for number in re.findall(r"\\tag\{([^}]+)\}", source)]


def checks(notebook):
    """The (cell index, number) of every executed check of a numbered equation."""
    call = re.compile(r"""verify(?:_mean|_true)?\(\s*["']([\d.]+)["']""")
    cells = [(i, c) for i, c in enumerate(notebook.cells) if c.cell_type == "code" and "on_purpose" not in c.source]
    return [(i, n) for i, cell in cells for n in call.findall(cell.source)]


def equations_are_checked(notebook):
    """Every numbered equation is checked in a later cell, before the next equation but one; numbers are N.1, N.2 …"""
    numbers = equations(notebook)
    lesson = int(notebook.cells[0].source[2:4])
    expected = [f"{lesson}.{k + 1}" for k in range(len(numbers))]
    wrong = [] if numbers == expected else [f"equations are numbered {numbers}, not {expected}"]
    wrong += [] if numbers else ["there is no numbered equation"]
    where = {}
    for index, cell in enumerate(notebook.cells):
        for number in re.findall(r"\\tag\{([^}]+)\}", cell.source) if cell.cell_type == "markdown" else []:
            where[number] = index
    done = checks(notebook)
    wrong += [f"({n}) is checked but is no equation" for _, n in done if n not in where]
    wrong += [f"({n}) is not followed by its check" for n in where if not any(m == n and i > where[n] for i, m in done)]
    printed = "".join("".join(output.get("text", "")) for output in outputs(notebook))
    return wrong + [f"({n}) printed no ✓" for n in where if f"✓ ({n})" not in printed]


def still_before_live(notebook):
    """There is a live figure, and a still picture stands somewhere before each."""
    wrong, stills, lives = [], 0, 0
    for output in outputs(notebook):
        text = "".join(output.get("data", {}).get("text/plain", ""))
        stills += text.startswith("[figure]")
        if text.startswith("[live figure]"):
            wrong += [] if stills > 0 else ["a live figure has no still picture before it"]
            stills, lives = max(stills - 1, 0), lives + 1
    return wrong if lives else ["there is no live figure"]


def live_figures_leave_a_still(notebook):
    """A live view's output is a picture or a table alone; its caption and a note follow, then the box's empty place."""
    wrong = []
    for cell in code_cells(notebook):
        bundles = [output.get("data", {}) for output in cell.outputs]
        for k, still in enumerate(bundles):
            kind, _, words = "".join(still.get("text/plain", "")).partition("] ")
            if kind not in ("[live figure", "[live table"):
                continue
            note, box = (bundles[k + 1 : k + 3] + [{}, {}])[:2]
            html = "".join(note.get("text/html", ""))
            if set(still) != {"text/plain", "image/png" if kind == "[live figure" else "text/html"}:
                wrong.append(f"the still of {words[:40]!r} is {sorted(still)}")
            if f"<small>{in_html(words)}</small>" not in html or "ddim-revive" not in html:
                wrong.append(f"no caption and note follow the still of {words[:40]!r}")
            if box != {"text/plain": ""}:
                wrong.append(f"no place for the live box follows the still of {words[:40]!r}")
    return wrong


def sizes(notebook, path):
    size = path.stat().st_size
    return [f"the file has {size / 1000:.0f} kB"] if size > 400_000 else []


def links(notebook, path):
    """Relative links lead to files that exist."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    targets = [t for t in re.findall(r"\]\(([^)\s]+)\)", text) if not t.startswith(("http", "#", "mailto:"))]
    return [f"a link leads nowhere: {t}" for t in targets if not (path.parent / t.partition("#")[0]).exists()]


def exercises(notebook):
    """Each stub, by number: (the stub's source, the folded solution's code)."""
    found, cells = {}, notebook.cells
    for index, cell in enumerate(cells):
        for tag in cell.metadata.get("tags", []):
            if tag.startswith("exercise-"):
                after = "\n".join(c.source for c in cells[index + 1 : index + 3] if c.cell_type == "markdown")
                solution = after.partition("<summary>Solution</summary>")[2].partition("</details>")[0]
                blocks = re.findall(r"```python\n(.*?)```", solution, flags=re.DOTALL)
                found[tag.removeprefix("exercise-")] = (cell.source, blocks[0] if len(blocks) == 1 else None)
    return found


def with_solution(stub, solution):
    """Put the solution in place of what the stub defines, and keep the stub's call of ``check``."""
    calls = [node for node in ast.parse(stub).body if isinstance(node, ast.Expr)]
    return solution + "\n" + "\n".join(ast.unparse(node) for node in calls)


RULES = (
    execution_counts, metadata, clean_outputs, cell_lengths, opening, minutes, formulas, sections,
    side_roads, main_road_stands_alone, exercises_import_for_themselves, predictions, no_plumbing,
    one_check_fails_on_purpose, ending, equations_are_checked, still_before_live, live_figures_leave_a_still,
)  # fmt: skip
