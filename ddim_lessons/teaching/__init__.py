"""What a lesson says to its reader: checks of equations, judged exercises, progress, the state of the machine."""

from .checks import claim, on_purpose, verify, verify_mean, verify_true
from .exercises import check

__all__ = ["check", "claim", "on_purpose", "verify", "verify_mean", "verify_true"]
