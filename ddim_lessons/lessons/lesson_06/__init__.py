"""Lesson 06: its pictures and its exercises, and ``torch``, of which the lesson has no other."""

from ...torch_here import need_torch

need_torch("training (lesson 06)")

import torch  # noqa: E402, F401
