"""Lesson 06: its pictures and its exercises."""

from ...torch_here import need_torch

need_torch("training (lesson 06)")
