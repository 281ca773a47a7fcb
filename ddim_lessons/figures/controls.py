"""The controls of live figures: sliders, menus, boxes to tick and play buttons, all laid out alike and named."""

from math import isclose, prod

import ipywidgets as ipw

from .. import require
from ..own import named
from ..toy_data import DATA_SETS, data_set
from .typeset import in_html


def common(label):
    """Return the settings that all controls share, for the ``label`` before one."""
    html = in_html(label, '<span class="ddim-lower">{}</span>')  # front ends take no <sub> in a label
    return {"description": html, "description_allow_html": html != label, "tooltip": label}


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


def data_menu(label, data):
    """A menu over the names of the data sets; first in it stand data of the reader's own, if ``data`` are such."""
    data = named(data)
    own = [] if isinstance(data, str) else [(f"{data} (own)", data)]
    if own and data.dim != 2:
        require.refuse("the number of columns", data.dim, "2, those of the picture: choose two, as in x[:, [0, 1]]")
    data_set(data)  # refuses a name that is not known
    return menu(label, [*own, *((name, name) for name in DATA_SETS)], data)


def _check_choice(label, options, value):
    """Check that the ``value`` that a choice begins with is one of its ``options``, values or pairs (words, value)."""
    values = [option[1] if isinstance(option, tuple) and len(option) == 2 else option for option in options]
    require.that(value in values, label, value, "one of " + ", ".join(map(repr, values)))


def toggle(label, value):
    """A box to tick."""
    return ipw.Checkbox(value=value, indent=False, **common(label))


LESS_MOTION = """<span class="less-motion">Your system asks for less motion: Play moves on by one picture at each
press, and so do the slider's arrow keys.</span>"""


def player(slider, milliseconds=120):
    """A play and pause button that moves a slider over a list from its first to its last value; never by itself.

    Where the reader's system asks for less motion, a press moves on by one value only. Returns the button, and a
    sentence that says so to these readers.
    """
    play = ipw.Play(value=slider.index, max=len(slider.options) - 1, interval=milliseconds, show_repeat=False)
    play.tooltip = f"Play: move {slider.tooltip} from its first to its last value"
    ipw.jslink((play, "value"), (slider, "index"))
    return play, ipw.HTML(LESS_MOTION)


def control_row(controls, play, main, reset_button):
    """Return the controls of a live figure, a dict, as they are laid out: the main ones, those that are folded, Reset.

    ``play`` names the one that gets a play button, or is None; ``main`` names the main ones, or is None for the rule of
    :class:`ddim_lessons.figures.live.Live`.
    """
    shown = {
        name: _with_player(control, reset_button) if name == play else control for name, control in controls.items()
    }
    seen = controls if main is None and len(controls) <= 4 else _main_names(controls, main)
    folded = [name for name in controls if name not in seen]
    for name in folded:
        shown[name].add_class("ddim-folded")
    more = ipw.ToggleButton(description="More settings", icon="sliders", tooltip="Show or hide the other settings")
    more.add_class("ddim-more")
    tools = ipw.HBox([more, reset_button] if folded else [reset_button]).add_class("ddim-tools")
    grid = ipw.Box([shown[name] for name in sorted(shown, key=folded.__contains__)]).add_class("ddim-grid")
    return ipw.Box([grid, tools]).add_class("ddim-controls")


def _main_names(controls, main):
    """Return the names of the main controls: ``main``, or those that are neither a menu, a box to tick nor a seed."""
    aside = ipw.Dropdown | ipw.Checkbox
    plain = [name for name, c in controls.items() if not (isinstance(c, aside) or "seed" in c.description)]
    return plain if main is None else main


def _with_player(slider, reset_button):
    """A slider behind its play button; Reset stops what plays."""
    play, words = player(slider)
    reset_button.on_click(lambda _: setattr(play, "playing", False))
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


def main_grid(controls, main, most):
    """Return {name: values} of a figure's two main controls, thinned to ``most`` combinations, the start kept.

    They are the first two of ``main``, or, if it is None, the first two that are neither a menu, a box to tick nor a
    seed. Others join them, in their order, while all of their values still fit.
    """
    require.whole("most", most, 4)
    order = list(dict.fromkeys([*_main_names(controls, main), *controls]))
    grid = {name: _with_start(controls[name]) for name in order[:2]}
    while prod(map(len, grid.values())) > most:
        longest = max(grid, key=lambda name: len(grid[name]))
        grid[longest] = _thinned(controls[longest], len(grid[longest]) - 1)
    for name in order[2:]:
        values = _with_start(controls[name])
        if prod(map(len, grid.values())) * len(values) <= most:
            grid[name] = values
    return grid


def _with_start(control):
    """Return a control's values as :func:`control_values` does, and the one that it has now."""
    values, now = control_values(control), control.value
    if now in values:
        return values
    return sorted([*(value for value in values if not isclose(value, now, abs_tol=1e-9)), now])  # -0.8 and -0.8000…03


def _thinned(control, count):
    """Return ``count`` of a control's values: both ends and evenly between them, the nearest moved to where it is."""
    values = _with_start(control)
    last, now = len(values) - 1, values.index(control.value)
    kept = [round(i * last / (count - 1)) for i in range(count)]
    if now not in kept:
        kept[min(range(count), key=lambda i: abs(kept[i] - now))] = now
    return [values[i] for i in kept]
