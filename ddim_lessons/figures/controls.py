"""The controls of live figures: sliders, menus, boxes to tick and play buttons, all laid out alike and named."""

import ipywidgets as ipw

from .. import require


def common(label):
    """Return the settings that all controls share, for the ``label`` before one."""
    return {"description": label, "tooltip": label}


def choice_slider(label, options, value):
    """A slider over a list of ``options``, in their order."""
    _check_choice(label, options, value)
    return ipw.SelectionSlider(options=options, value=value, **common(label))


def number_slider(label, low, high, step, value, digits=2):
    """A slider over numbers from ``low`` to ``high`` in steps of ``step``."""
    return ipw.FloatSlider(min=low, max=high, step=step, value=value, readout_format=f".{digits}f", **common(label))


def whole_slider(label, low, high, value):
    """A slider over whole numbers from ``low`` to ``high``."""
    return ipw.IntSlider(min=low, max=high, value=value, **common(label))


def menu(label, options, value):
    """A drop-down menu."""
    _check_choice(label, options, value)
    return ipw.Dropdown(options=options, value=value, **common(label))


def _check_choice(label, options, value):
    """Check that the ``value`` that a choice begins with is one of its ``options``, values or pairs (words, value)."""
    values = [option[1] if isinstance(option, tuple) and len(option) == 2 else option for option in options]
    require.that(value in values, label, value, "one of " + ", ".join(map(repr, values)))


def toggle(label, value):
    """A box to tick."""
    return ipw.Checkbox(value=value, description=label, indent=False)


LESS_MOTION = """<span class="less-motion">Your system asks for less motion: Play moves on by one picture at each
press, and so do the slider's arrow keys.</span>"""


def player(slider, milliseconds=120):
    """A play and pause button that moves a slider over a list from its first to its last value; never by itself.

    Where the reader's system asks for less motion, a press moves on by one value only. Returns the button, and a
    sentence that says so to these readers.
    """
    play = ipw.Play(value=slider.index, max=len(slider.options) - 1, interval=milliseconds, show_repeat=False)
    play.tooltip = f"Play: move {slider.description} from its first to its last value"
    ipw.jslink((play, "value"), (slider, "index"))
    return play, ipw.HTML(LESS_MOTION)


def control_row(controls, play, main, reset_button):
    """Return the controls of a live figure, a dict, as they are laid out: the main ones, those that are folded, Reset.

    ``play`` names the one that gets a play button, or is None; ``main`` names the main ones, or is None for the rule of
    :class:`ddim_lessons.figures.live.Live`.
    """
    shown = {name: _with_player(control) if name == play else control for name, control in controls.items()}
    folded = [name for name in controls if not _is_main(name, controls, main)]
    for name in folded:
        shown[name].add_class("ddim-folded")
    more = ipw.ToggleButton(description="More settings", icon="sliders", tooltip="Show or hide the other settings")
    more.add_class("ddim-more")
    tools = ipw.HBox([more, reset_button] if folded else [reset_button]).add_class("ddim-tools")
    grid = ipw.Box([shown[name] for name in sorted(shown, key=folded.__contains__)]).add_class("ddim-grid")
    return ipw.Box([grid, tools]).add_class("ddim-controls")


def _is_main(name, controls, main):
    """Whether a control is always seen."""
    if main is not None:
        return name in main
    control = controls[name]
    return len(controls) <= 4 or not (isinstance(control, ipw.Dropdown | ipw.Checkbox) or "seed" in control.description)


def _with_player(slider):
    """A slider behind its play button."""
    play, words = player(slider)
    return ipw.HBox([play, slider, words])


def control_values(control):
    """Return all values that a control can take, at most 21 of a number's range, both ends included."""
    if hasattr(control, "options"):
        return [value for _, value in control._options_full]
    if isinstance(control.value, bool):
        return [False, True]
    count = round((control.max - control.min) / control.step)
    steps = sorted({round(i * count / min(count, 20)) for i in range(min(count, 20) + 1)})
    return [type(control.value)(min(control.min + i * control.step, control.max)) for i in steps]
