r"""Write the two pages that index the lessons: ``lecture/article.md`` and ``lecture/equations.md``.

    python tools/index_pages.py                 # write both
    python tools/index_pages.py --check         # write nothing; fail if one would change

Equations are found by a piece of their LaTeX, so that a number is never typed: after a renumbering run this once.
"""

import argparse
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "lecture"
SPACING = re.compile(r"\\[,;! ]|\\q?quad|\\[Bb]igg?|\\left|\\right|\s|\\boldsymbol|_\\theta|[{}]")

# --- the article, formula by formula -------------------------------------------------------------------------------
# What it says, in our notation; where it is derived, as (lesson, a piece of the equation); what slips, and what stands
# instead. One row for each displayed formula of the article, in its order; the sets S, A and B are one row.
SAME = "Right."
ARTICLE = [
    (r"$p(x_{t-1}\mid x_t)$, the step wanted",
     [("02", r"x_{t-1} = \frac{1}{\sqrt{\alpha_t}}")],
     "It is a symbol only: which law it is, is a choice.", "A Gaussian around the posterior's mean."),
    (r"DDPM's step: $x_{t-1}$ from $x_t$ and $\varepsilon_\theta(x_t,t)$",
     [("02", r"x_{t-1} = \frac{1}{\sqrt{\alpha_t}}")],
     r"Right, but for the last step: at $t=1$ DDPM adds no noise.", r"$z = 0$ at $t = 1$."),
    (r"$p(x_{t-2}\mid x_{t-1})$, the step after it",
     [("02", r"x_{t-1} = \frac{1}{\sqrt{\alpha_t}}")], SAME, r"The same step at $t-1$."),
    (r"DDPM's step: $x_{t-2}$ from $x_{t-1}$ and $\varepsilon_\theta(x_{t-1},t-1)$",
     [("02", r"x_{t-1} = \frac{1}{\sqrt{\alpha_t}}")], SAME, r"The same step at $t-1$."),
    (r"One put into the other: $x_{t-2}$ from $x_t$, with two network values and two noises",
     [("02", r"x_{t-2} = \frac{1}{\sqrt{\alpha_{t-1}}}"), ("02", r"\operatorname{Var}(x_{t-2}\mid x_t)")],
     r"Both noises are called $z$: read so, standard deviations would add.", "Two independent noises; variances add."),
    (r"Why this fails: without $x_{t-1}$ there is no $\varepsilon_\theta(x_{t-1},t-1)$",
     [("02", r"x_{t-2} = \frac{1}{\sqrt{\alpha_{t-1}}}"), ("02", r"q(x_s\mid x_t,x_0) = \mathcal N")],
     r"Right; but it does not follow that DDPM cannot skip.", "A posterior for two times far apart skips at once."),
    (r"The Markov assumption, forwards and backwards",
     [("01", r"q(x_t\mid x_{t-1}) = \mathcal N"), ("04", r"\text{has mean}")],
     r"It is taken for what the split needs.", r"DDIM gives it up forwards; the sampler stays a Markov chain."),
    (r"The joints: $q(x_{1:T}\mid x_0)$ and $p(x_{0:T})$ as products over small steps",
     [("01", r"q(x_t\mid x_0) = \mathcal N"), ("05", r"\log p(x_0) = \log")], SAME,
     "The first gives the marginals, the second the bound."),
    (r"Another split: $q(x_T\mid x_0)\prod_{t=2}^T q(x_{t-1}\mid x_t,x_0)$",
     [("03", r"\prod_{t=2}^{T} q(x_{t-1}\mid x_t, x_0)")],
     r"Right: “:=” is meant, this is a definition.", "A density for any choice of the factors."),
    (r"Nine times, $A=\{2,5,8\}$, $B=\{1,3,4,6,7\}$",
     [("03", r"\underbrace{\prod_{i=2}^{K}")],
     r"The set of all times is called $S$, and $A+B$ is a union.", r"$S$ is the number of steps here."),
    (r"The split for nine times, $\prod_{i\in A}q(x_{i-1}\mid x_i,x_0)\prod_{j\in B}q(x_j\mid x_0)$",
     [("03", r"\frac{1}{k_2\,k_5}")],
     r"No density: $x_1, x_4, x_7$ have two factors, $x_2, x_5$ none; it integrates to another number than 1.",
     r"In $A$, the time before $i$ is $\tau_{i-1}$, not $i-1$."),
    (r"The split for any $A$ and $B$",
     [("03", r"\underbrace{\prod_{i=2}^{K}"), ("03", r"\text{every } A")],
     r"The same slip; DDIM's eq. 52 has it right.", "A chain over $A$ and a star over $B$; all marginals are kept."),
    (r"The generative side: $p(x_T)\prod_{i\in A}p(x_{i-1}\mid x_i)\prod_{j\in B}p(x_0\mid x_j)$",
     [("03", r"\prod_{j\in B} p(x_0\mid x_j)")],
     r"Called the noising process; and $x_0$ has a density too many for each $j$ (DDIM's eq. 55 has this, too).",
     "Use it as a rule for the objective, not as a joint law."),
    (r"The bound: $\log p(x_0)\ge\mathbb E_q\log\big(p(x_{0:T})/q(x_{1:T}\mid x_0)\big)$, the split put in",
     [("05", r"\log p(x_0) = \log")], r"Right for any joint $q$.", "Jensen's inequality."),
    (r"The bound in three groups",
     [("05", r"\text{group 1: the top}"), ("05", r"h(x_0) - h(x_j)")],
     r"The third group is called a KL divergence, but its two densities are of different variables; and the last step "
     r"of the chain, which gives $x_0$, is lost.",
     r"$\mathbb E[\log q(x_j\mid x_0)-\log p(x_0\mid x_j)]$; it may be negative."),
    (r"What is maximised: groups 2 and 3",
     [("05", r"\frac{\lambda^2\,(x_0-\hat x_0)^2}{2\sigma^2}"), ("05", r"J = L_\gamma + C")],
     r"The same “KL”; at $\eta=0$ group 2 is infinite.", "One weighted loss of ε for every sampler, up to a constant."),
    (r"Bayes' rule for $q(x_{i-1}\mid x_i,x_0)$",
     [("04", r"\frac{q(x_t\mid x_s, x_0)\;q(x_s\mid x_0)}{q(x_t\mid x_0)}")],
     r"Its second equality uses the Markov assumption, which was just given up.",
     r"Keep $x_0$ in $q(x_t\mid x_s,x_0)$: then Bayes' rule decides nothing."),
    (r"The ansatz $\mathcal N(k_ix_i+\lambda_ix_0,\,\sigma_i^2I)$",
     [("04", r"(k\sqrt{\bar\alpha_t}+\lambda)\,x_0")], "Right, as a choice.", r"For two times $s<t$."),
    (r"Two forms of $q(x_{i-1}\mid x_0)$, to be made equal",
     [("04", r"(k\sqrt{\bar\alpha_t}+\lambda)\,x_0"), ("04", r"k\sqrt{\bar\alpha_t} + \lambda = \sqrt{\bar\alpha_s}"),
      ("04", r"k = \pm")],
     r"Right; the second root, and that one unknown stays free, are not said.", r"Two equations, three unknowns."),
    (r"The posterior: mean $\sqrt{\bar\alpha_{i-1}}\,\hat x_0+\sqrt{1-\bar\alpha_{i-1}-\sigma_i^2}\;\varepsilon$, "
     r"variance $\sigma_i^2$",
     [("04", r"\text{to the data}"), ("04", r"0 \le \sigma^2 \le 1-\bar\alpha_s")],
     r"Right; $\sigma_i$ has a bound that is not said.", r"$0\le\sigma^2\le1-\bar\alpha_s$, any two times."),
    (r"The step from $x_k$ to $x_s$",
     [("04", r"\text{to the data}"), ("07", r"\text{direction}"), ("10", r"\underbrace{\frac{z_t-")],
     r"It holds $x_0$, which nobody has while sampling.",
     r"$\hat x_0$ in its place, from the network; lesson 04 says why it may stand there."),
]  # fmt: skip


# --- reading the notebooks -----------------------------------------------------------------------------------------


def lessons():
    """Yield (number, title, file name, markdown cells) of each lesson."""
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        yield path.name[:2], texts[0].splitlines()[0].partition(" · ")[2], path.name, texts


def equations(texts):
    """Yield (number, LaTeX, heading of its section) of each numbered equation."""
    section = ""
    for text in texts:
        for part in re.split(r"^(?=#{2,3} )", text, flags=re.MULTILINE):
            if part.startswith("## "):
                section = part.splitlines()[0].lstrip("# ")
            for latex, number in re.findall(r"\$\$((?:(?!\$\$).)*?)\\tag\{([\d.]+)\}", part, flags=re.DOTALL):
                yield number, " ".join(latex.split()), section


def bare(latex):
    """LaTeX without spacing, sizes of brackets and braces."""
    return SPACING.sub("", latex)


def number_of(lesson, piece, found):
    """Return the number of the one equation of a lesson that holds a piece of LaTeX; else say what is wrong."""
    holds = [number for number, latex, _ in found[lesson] if bare(piece) in bare(latex)]
    if not holds:
        raise LookupError(f"no numbered equation of lesson {lesson} holds {piece!r}")
    return holds[0]


def papers(texts):
    """Return what a lesson's "In the papers." says of each equation: number → words."""
    said = "\n".join(texts).rpartition("**In the papers.**")[2].partition("**Next:**")[0]
    numbered = r"(?:\(\d+\.\d+\)(?:,| and| to)?\s*)+[^:();.]{0,60}:"
    entry = rf"({numbered})\s*(.*?)(?=\s*{numbered}|\n\n|\Z)"
    found = {}
    for numbers, words in re.findall(entry, said, re.DOTALL):
        first = " ".join(words.split()).rstrip(".;")
        listed = re.findall(r"\d+\.\d+", numbers)
        if ") to (" in numbers:
            lesson, low, high = (*listed[0].split("."), listed[-1].split(".")[1])
            listed = [f"{lesson}.{k}" for k in range(int(low), int(high) + 1)]
        found |= {number: first for number in listed if number not in found}
    return found


# --- the pages -----------------------------------------------------------------------------------------------------

ARTICLE_HEAD = """# The article, formula by formula

The lessons began with a Chinese web article, named in the [README](../README.md). These are its displayed formulas, in
its order and in our notation: where each is derived, where it slips, and what stands instead.
*The article's text is not in this repository.* Written by `tools/index_pages.py`.

| | the article's formula | derived in | does it hold? | what stands here |
|---|---|---|---|---|
"""
EQUATIONS_HEAD = """# All numbered equations

Each is checked, in two independent ways, in the cell after it. Written by `tools/index_pages.py` from the notebooks;
the last column is what the lesson's "In the papers" says (there, DDIM's $\\alpha$ is our $\\bar\\alpha$).
"""


def in_a_table(latex):
    """LaTeX that may stand in a cell of a Markdown table: no bars, no full stop at the end."""
    latex = latex.rstrip(" .,").replace(r"\|", r"\Vert ")
    return f"${latex.replace('|', chr(92) + 'vert ')}$"


def article_page():
    """The map from the article's formulas to the lessons' equations."""
    found = {number: list(equations(texts)) for number, _, _, texts in lessons()}
    names = {number: name for number, _, name, _ in lessons()}
    rows = []
    for k, (formula, places, slip, instead) in enumerate(ARTICLE, start=1):
        numbers = dict.fromkeys((number_of(lesson, piece, found), names[lesson]) for lesson, piece in places)
        where = ", ".join(f"[({number})](../notebooks/{name})" for number, name in numbers)
        rows.append(f"| {k} | {formula} | {where} | {slip} | {instead} |")
    return ARTICLE_HEAD + "\n".join(rows).replace(r"\|", r"\Vert ") + "\n"


def equations_page():
    """The index of all numbered equations."""
    parts = [EQUATIONS_HEAD]
    for number, title, name, texts in lessons():
        said, rows = papers(texts), list(equations(texts))
        parts.append(f"\n## [{number} · {title}](../notebooks/{name})\n")
        parts.append("| | where | what it says | in the papers |\n|---|---|---|---|")
        for equation, latex, section in rows:
            parts.append(f"| ({equation}) | {section} | {in_a_table(latex)} | {said.get(equation, '')} |")
    return "\n".join(parts) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page would change")
    check, stale = parser.parse_args().check, []
    for name, text in (("article.md", article_page()), ("equations.md", equations_page())):
        path = PAGES / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
        if not check:
            path.write_text(text, encoding="utf-8")
    print(f"would change: {', '.join(stale) or 'nothing'}" if check else f"changed: {', '.join(stale) or 'nothing'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
