"""One thread for each process of the tests: kernels, a browser and this process share the cores.

Hypothesis draws the same examples in every run; ``pytest --hypothesis-profile=long tests/test_misuse.py`` draws many
others, for as long as one likes to wait.
"""

import os

from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.register_profile("long", max_examples=20_000, deadline=None, database=None)
settings.load_profile("same")
