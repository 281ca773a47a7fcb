"""One thread for each process of the tests: kernels, a browser and this process share the cores."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
