"""The stop button, and the file of a training that is stopped: no step is half done, no picture half drawn."""

import signal
import threading
import time
from contextlib import contextmanager


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
    """Raise the KeyboardInterrupt that :func:`stop_button_waits` held back, once."""
    if run.stop_pressed:
        run.stop_pressed = False
        raise KeyboardInterrupt("the stop button: the run is whole, and another loop over fit(run) continues it")


@contextmanager
def saved_when_left(save, seconds):
    """Call ``save()`` when the block is left early or stopped; hand out a function that does so every ``seconds``.

    That function takes whether to save at once. An error in the block leaves the file as it was last saved.
    """
    saved_at = time.monotonic()

    def save_if_due(at_once):
        nonlocal saved_at
        if at_once or time.monotonic() - saved_at >= seconds:
            save()
            saved_at = time.monotonic()

    try:
        yield save_if_due
    except (GeneratorExit, KeyboardInterrupt):
        save()
        raise
