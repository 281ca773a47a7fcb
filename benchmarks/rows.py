"""What all benchmarks share: functions timed in turn, and rows of a table with medians and spreads."""

import math
import time
from typing import NamedTuple

import numpy as np


class Row(NamedTuple):
    """One line of a table: the times of one contestant.

    ``values`` holds every run, in ``unit``; infinity says that a run never got there. ``beside`` says that the row
    stands beside the first of its group, so that their ratio means something.
    """

    group: str
    name: str
    unit: str
    values: list
    beside: bool = True

    def quartiles(self):
        """Return the 25th, 50th and 75th percentile; a run that never got there counts as infinite."""
        return [float(q) for q in np.quantile(self.values, (0.25, 0.5, 0.75), method="inverted_cdf")]

    def p95(self):
        return float(np.quantile(self.values, 0.95, method="inverted_cdf"))


def in_turn(functions, rounds, clock=time.perf_counter, warm=1):
    """Call each function with the number of the round, in turn; return {name: seconds}, without the first ``warm``."""
    took = {name: [] for name in functions}
    for k in range(warm + rounds):
        for name, function in functions.items():
            start = clock()
            function(k)
            took[name].append(clock() - start)
    return {name: times[warm:] for name, times in took.items()}


def in_words(value):
    """Return a number with three digits, or never."""
    return "never" if math.isinf(value) else f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def print_rows(rows):
    """Print each row as it arrives and pass it on: median, quartiles, 95th percentile, runs, ratio to the first."""
    group, first = None, math.nan
    for row in rows:
        low, median, high = row.quartiles()
        if row.group != group:
            group, first = row.group, median
            print(f"\n{group}")
        words = f"{in_words(median):>7} {row.unit}  ({in_words(low)} to {in_words(high)}; p95 {in_words(row.p95())})"
        told = row.beside and math.isfinite(median) and math.isfinite(first)
        ratio = f"{median / first:5.2f} × the first" if told else ""
        print(f"  {row.name:28} {words:46} {len(row.values):3} runs  {ratio}".rstrip(), flush=True)
        yield row
