"""The controls of live figures: sliders, menus, boxes to tick and play buttons, all laid out alike and named."""

import ipywidgets as ipw

from .. import require
from ..toy_data import DATA_SETS

CONTROL_LAYOUT = {"width": "330px"}
CONTROL_STYLE = {"description_width": "110px"}


# The front end's sliders and play buttons have no accessible name. This names them when they are shown: a slider
# by its label and its readout, so that the name follows the value; a readout, which is a box to type in, by the label.
# For readers whose system asks for less motion, a press on Play is one press of the slider's arrow key.
# The controls appear one after the other, on a busy machine late: so it is done again and again, for ten seconds.
NAMES = """<style onload="[100, 500, 2000, 10000].forEach((delay) => setTimeout(() => {
const box = this.closest('.widget-vbox');
box.querySelectorAll('.widget-slider').forEach((slider) => {
  const parts = slider.querySelectorAll('.widget-label, .widget-readout');
  parts.forEach((part) => { part.id ||= 'part-' + Math.random().toString(36).slice(2); });
  slider.querySelector('[role=slider]')?.setAttribute('aria-labelledby', [...parts].map((part) => part.id).join(' '));
  const typing = slider.querySelector('.widget-readout[contenteditable=true]');
  typing?.setAttribute('role', 'textbox');
  typing?.setAttribute('aria-labelledby', parts[0].id);
});
box.querySelectorAll('.widget-play').forEach((player) => {
  const [play, stop] = player.querySelectorAll('button');
  const less = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
  play.title = less() ? 'One picture on' : 'Play or pause';
  stop.title = 'Stop, back to the first';
  [play, stop].forEach((button) => button.setAttribute('aria-label', button.title)); // else it is the icon's glyph
  const handle = player.closest('.widget-hbox').querySelector('[role=slider]');
  if (player.dataset.named) return;
  player.dataset.named = 'yes';
  player.addEventListener('click', (event) => {
    if (!less() || !play.contains(event.target)) return;
    event.stopImmediatePropagation();
    handle.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
  }, true);
}); }, delay))">
.widget-html-content th, .widget-html-content td { padding: 0 8px; }
</style>"""


def common(label):
    """Return the settings that all controls share, for the ``label`` before one."""
    return {"description": label, "tooltip": label, "layout": dict(CONTROL_LAYOUT), "style": dict(CONTROL_STYLE)}


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
    """A menu over the names of the data sets; first in it stands a set of the reader's own, if ``data`` is one."""
    own = [] if isinstance(data, str) else [(f"{data} (own)", data)]
    if own and data.dim != 2:
        require.refuse("the number of columns", data.dim, "2, those of the picture: choose two, as in x[:, [0, 1]]")
    return menu(label, [*own, *((name, name) for name in DATA_SETS)], data)


def _check_choice(label, options, value):
    """Check that the ``value`` that a choice begins with is one of its ``options``, values or pairs (words, value)."""
    values = [option[1] if isinstance(option, tuple) and len(option) == 2 else option for option in options]
    require.that(value in values, label, value, "one of " + ", ".join(map(repr, values)))


def toggle(label, value):
    """A box to tick."""
    return ipw.Checkbox(value=value, description=label, indent=False, layout=dict(CONTROL_LAYOUT))


LESS_MOTION = """<style>.less-motion { display: none; }
@media (prefers-reduced-motion: reduce) { .less-motion { display: inline; } }</style>
<span class="less-motion">Your system asks for less motion: Play moves on by one picture at each press, and so do
the slider's arrow keys.</span>"""


def player(slider, milliseconds=120):
    """A play and pause button that moves a slider over a list from its first to its last value; never by itself.

    Where the reader's system asks for less motion, a press moves on by one value only. Returns the button, and a
    sentence that says so to these readers.
    """
    play = ipw.Play(value=slider.index, max=len(slider.options) - 1, interval=milliseconds, show_repeat=False)
    play.tooltip = f"Play: move {slider.description} from its first to its last value"
    ipw.jslink((play, "value"), (slider, "index"))
    return play, ipw.HTML(LESS_MOTION)


def control_values(control):
    """Return all values that a control can take, at most 21 of a number's range, both ends included."""
    if hasattr(control, "options"):
        return [value for _, value in control._options_full]
    if isinstance(control.value, bool):
        return [False, True]
    count = round((control.max - control.min) / control.step)
    steps = sorted({round(i * count / min(count, 20)) for i in range(min(count, 20) + 1)})
    return [type(control.value)(min(control.min + i * control.step, control.max)) for i in steps]
