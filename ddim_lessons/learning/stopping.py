"""The stop button, and the file of a training that is stopped: no step is half done, no picture half drawn."""

import signal
import threading
from contextlib import contextmanager


class Stopped(KeyboardInterrupt):
    """The stop button ended ``run`` between two steps. A notebook shows its one sentence, and no traceback."""

    def __init__(self, run):
        done = f"after step {run.step} of {run.settings['steps']}"
        super().__init__(f"{done}. Run this cell again to go on, or write another loop over fit(run).")

    def _render_traceback_(self):  # IPython asks an error for the lines that it shows
        return [f"Stopped: {self}"]


@contextmanager
def stop_button_waits(run):
    """Hold back the stop button until the block has ended; then ``fit`` stops ``run`` between two steps.

    For what draws a run inside the loop: else a press ends the loop behind ``fit``'s back, with a half-drawn picture
    and no checkpoint. A press only ever reaches the main thread; elsewhere there is nothing to hold back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *press: setattr(run, "stop_pressed", True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)


def stop_if_pressed(run):
    """Raise the stop that :func:`stop_button_waits` held back, once."""
    if run.stop_pressed:
        run.stop_pressed = False
        raise Stopped(run)


@contextmanager
def saved_when_left(save):
    """Call ``save()`` when the loop is left early or stopped. An error in its body leaves the file as it was."""
    try:
        yield
    except (GeneratorExit, KeyboardInterrupt):
        save()
        raise
