"""Each numbered equation is checked in two independent ways; ``tests/lessons/ways/NN.json`` says which, a word each."""

import ast
import json
from itertools import chain, starmap

import nbformat
import pytest

from ddim_lessons.files import ROOT

PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WAYS = {
    "formula",  # written out in the cell
    "package",  # its function
    "algebra",  # SymPy
    "simulation",
    "quadrature",
    "determinant",
    "finite difference",
    "autograd",
    "recursion",
    "enumeration",
    "linear algebra",
    "paper",  # a number typed in from it
    "diffusers",
    "exact denoiser",
    "training",
}
PACKAGE = {"package", "exact denoiser"}  # ways that are a function of the package, on one side alone
DENOISERS = {"eps", "x0", "eps_fn", "exact_eps"}  # inputs but to an equation whose way is the exact denoiser
INPUTS = {  # what both sides may reach, as it makes the problem and not the answer:
    *("linear_beta", "alpha_bar_schedule", "smooth_alpha_bar", "schedule", "make_tau", "quadratic"),  # ᾱ and τ,
    *("data_set", "three_peaks", "load_digits", "held_out", "GaussianMixture", "sample"),  # data,
    *("add_noise", "three_ways"),  # the points at which two sides are compared,
    *(DENOISERS | {"denoiser_of", "gaussian_denoiser"}),  # ε̂, which may be any vector
}
GIVEN = {  # what more both sides of one equation may reach, and why
    "3.4": {"log_normal"},  # a density is what is integrated, and what must come out, at other arguments
    "4.11": {"log_density", "eps"},  # one function returns the density and its flow; each side reads one of them
    "4.12": {"coefficients", "variance"},  # k, λ and σ² are what Bayes' rule is asked about
    "5.3": {"link"},  # so are k, λ and σ² of the divergence
    "5.7": {"variance"},  # σ² is an argument of γ
    "7.5": {"variance"},  # σ² is an argument of the step's three numbers
    "7.6": {"variance"},  # σ is any scale: the equation says the mean length of a draw
    "8.6": {"exact_errors", "ddim_sample", "sliced_w2", "coefficients", "variance"},  # any measured numbers will do
    "9.5": {"ddim_step"},  # it makes the point that is encoded
    "9.7": {"multistep_path"},  # from two points of a path the formula makes the third
    "9.9": {"invert"},  # an implicit equation: the x_t that solves it stands on both sides
    "11.6": {"eps"},  # an invariance: the same denoiser for other data at another time
}
METHODS = {"eps", "x0", "eps_fn", "log_density", "responsibilities"}  # of a mixture
UNWRITTEN = ast.Constant(True), ast.Constant(False)  # the sides of a check that compares nothing
NUMBERED = {"verify", "verify_mean", "verify_true"}


def bindings(cell_tree):
    """Yield (name, the piece of code that gives it its value) of a cell."""
    for node in ast.walk(cell_tree):
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.For | ast.comprehension | ast.NamedExpr):
            value = node.iter if isinstance(node, ast.For | ast.comprehension) else node.value
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            pairs = [(target, value) for target in targets]
            for target, given in chain(*starmap(_pairs, pairs)) if isinstance(node, ast.Assign) else pairs:
                filled = target.value if isinstance(target, ast.Subscript) else target
                for part in ast.walk(filled):
                    if isinstance(part, ast.Name):
                        yield part.id, given


def _pairs(target, value):
    """Return the (target, value) of an assignment, of "a, b = c, d" those of each name."""
    both = [part.elts for part in (target, value) if isinstance(part, ast.Tuple)]
    alike = len(both) == 2 and len(both[0]) == len(both[1])
    starred = any(isinstance(part, ast.Starred) for parts in both for part in parts)
    return list(zip(*both, strict=True)) if alike and not starred else [(target, value)]


def imports(cell_tree):
    """Yield (name, where it comes from in the package) of a cell's imports; names of other libraries have None."""
    for node in ast.walk(cell_tree):
        if isinstance(node, ast.ImportFrom):
            inside = (node.module or "").partition("ddim_lessons")
            for alias in node.names:
                path = f"{inside[2]}.{alias.name}".strip(".") if inside[1] else None
                yield alias.asname or alias.name, path
        elif isinstance(node, ast.Import):
            yield from (((alias.asname or alias.name).partition(".")[0], None) for alias in node.names)


def functions(code, known, package):
    """The package's functions, by their last names, that code reaches, by way of the lesson's own names too."""
    found, ahead, seen = set(), [code], set()
    while ahead:
        code = ahead.pop()
        own = {argument.arg for argument in code.args.args} if isinstance(code, ast.FunctionDef) else set()
        for node in ast.walk(code):
            if isinstance(node, ast.Attribute):
                module = package.get(getattr(node.value, "id", None))
                found |= {node.attr} if module and _is_module(module) or node.attr in METHODS else set()
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in seen | own:
                seen.add(node.id)
                ahead += [known[node.id]] if node.id in known else []
                if node.id not in known and package.get(node.id) and not _is_module(package[node.id]):
                    found.add(package[node.id].split(".")[-1])
    return {name for name in found if not name.isupper()}


def _is_module(path):
    place = ROOT / "ddim_lessons" / path.replace(".", "/")
    return place.is_dir() or place.with_suffix(".py").exists()


def sides(call):
    """The two sides of a check: its two values, or those of a single comparison that must be true."""
    if call.func.id != "verify_true":
        return call.args[1:3]
    compare = call.args[2] if len(call.args) > 2 else None
    return [compare.left, compare.comparators[0]] if isinstance(compare, ast.Compare) else []


def calls(cell_tree):
    """Yield a cell's checks, but those that are to fail: inside ``with on_purpose():``."""
    for node in ast.iter_child_nodes(cell_tree):
        if isinstance(node, ast.With) and "on_purpose" in ast.dump(node.items[0]):
            continue
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) in NUMBERED:
            yield node
        yield from calls(node)


def checked(cells):
    """Yield (equation, left side, right side) of a lesson's checks, but those inside ``on_purpose``."""
    known, package = {}, {}
    for cell in cells:
        for statement in ast.parse(cell.source).body:
            package |= dict(imports(statement))
            known |= dict(bindings(statement))
            for call in calls(ast.Module([statement])):
                yield call.args[0].value, *(_looked_at(side, known, package) for side in sides(call) or UNWRITTEN)


def _looked_at(side, known, package):
    """Return (its code, that code with a single name followed, functions that stand in it, functions reached)."""
    code = known.get(side.id, side) if isinstance(side, ast.Name) else side
    return ast.dump(side), ast.dump(code), functions(code, {}, package), functions(side, known, package)


def offence(number, checks, ways):
    """Return what is wrong with an equation's checks, a list of (left, right), or None: one of them has two ways."""
    found = []
    inputs = INPUTS - DENOISERS if "exact denoiser" in ways else INPUTS
    for left, right in checks:
        one, code, wrote, reached = left
        other, other_code, other_wrote, other_reached = right
        if code == other_code:
            return "a side is compared with itself"
        inside = any("Name(" in side and side in whole for side, whole in ((one, other), (other, one)))
        shared = ((reached & other_reached) - inputs | wrote & other_wrote) - GIVEN.get(number, set())
        uses_package = reached ^ other_reached or (reached | other_reached) - inputs
        if not inside and not shared and (uses_package or not PACKAGE & set(ways)):
            continue
        words = "one side stands in the other" if inside else "no side uses the package"
        found.append(f"both sides come from {sorted(shared)}" if shared else words)
    return found[0] if len(found) == len(checks) else None


def notebook_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def named_ways(path):
    return json.loads((ROOT / f"tests/lessons/ways/{path.stem[:2]}.json").read_text(encoding="utf-8"))


def offences(cells, ways):
    """Return {equation: what is wrong with its checks} of a lesson."""
    by_number = {}
    for number, left, right in checked(cells):
        by_number.setdefault(number, []).append((left, right))
    assert set(ways) == set(by_number)
    wrong = {number: offence(number, checks, ways[number]) for number, checks in by_number.items()}
    return {number: words for number, words in wrong.items() if words}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_both_ways_are_named_and_do_not_come_from_one_function(path):
    ways = named_ways(path)
    for number, pair in ways.items():
        assert len(set(pair)) == 2 and set(pair) <= WAYS, (number, pair)
    assert offences(notebook_cells(path), ways) == {}


@pytest.mark.parametrize("number", GIVEN)
def test_what_an_equation_is_given_is_needed(number, monkeypatch):
    path = PATHS[int(number.partition(".")[0])]
    for name in GIVEN[number]:
        monkeypatch.setitem(GIVEN, number, GIVEN[number] - {name})
        assert number in offences(notebook_cells(path), named_ways(path)), f"({number}) does not need {name}"
        monkeypatch.undo()


PLANTED = {
    "a shared function": ("0.1", "ddim.add_noise(x0, eps, alpha_bar[t])", "ddim.add_noise(1 * x0, eps, alpha_bar[t])"),
    "by other names": (
        "0.2",
        "left_side := ddim.ddim_step(x_t, eps_hat, alpha_bar, t, s, eta, z)",
        "2 * left_side / 2",
    ),
    "itself": ("0.3", "weights @ x0", "weights @ x0"),
    "itself, once more": ("0.4", "[mean_factor, var]", "1 * np.array([mean_factor, var])"),
    "no package": ("0.3", "weights @ x0", "(x0.T @ weights.T).T"),
    "one in common": (
        "0.2",
        "ddim.variance(0.3, 0.8, 1.0)",
        "ddim.coefficients(0.3, 0.8, ddim.variance(0.3, 0.8, 1.0))",
    ),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_an_offence_planted_in_a_lesson_is_seen(kind):
    number, *both = PLANTED[kind]
    cells, ways = notebook_cells(PATHS[0]), named_ways(PATHS[0])
    (cell,) = [c for c in cells if f'verify("{number}"' in c.source and "with on_purpose" not in c.source]
    lines = [line for line in cell.source.splitlines() if not line.startswith(f'verify("{number}"')]
    cell.source = "\n".join([*lines, f'verify("{number}", {both[0]}, {both[1]})'])
    assert set(offences(cells, ways)) == {number}
    cell.source = "\n".join([*lines, f"left = ({both[0]})\nright = ({both[1]})", f'verify("{number}", left, right)'])
    assert set(offences(cells, ways)) == {number}


def test_what_fails_on_purpose_is_not_asked():
    cells, ways = notebook_cells(PATHS[0]), named_ways(PATHS[0])
    cells[-1].source += '\nwith on_purpose():\n    verify("0.1", x_t, x_t)'
    assert offences(cells, ways) == {}
