"""What the browser tests ask of a live figure, for everyone: keyboard, contrast in both themes, zoom, players."""

import browser

CONTROLS = "[role=slider], select, button, input"  # a number beside a slider is no Tab stop of its own
THEMES = ("JupyterLab Dark", "JupyterLab Light")
ZOOMED = {"width": 640, "height": 360}  # 200 % of a window of 1280 × 720

# of a control: what it is, its accessible name, and what can show that it has the focus
TELL = """control => { const s = getComputedStyle(control);
  const by = (control.getAttribute('aria-labelledby') || '').split(' ')
    .map(id => document.getElementById(id)?.innerText);
  const name = [...by, ...[...(control.labels || [])].map(label => label.innerText), control.ariaLabel,
    control.matches('button') ? control.innerText : control.title].filter(Boolean).join(' ').trim();
  const look = [s.outlineStyle, s.outlineWidth, s.outlineColor, s.boxShadow, s.borderColor, s.backgroundColor].join();
  return {html: control.outerHTML.slice(0, 200), role: control.getAttribute('role'), name, look}; }"""

# whether all sliders and players have got their names, which come a while after they are shown
NAMED = """figure => [...figure.querySelectorAll('.widget-slider [role=slider]')]
    .every(handle => handle.hasAttribute('aria-labelledby'))
  && [...figure.querySelectorAll('.widget-play')].every(player => player.dataset.named)"""

# the contrast of each text with what it stands on, WCAG 2's formula; [text, ratio] where that is below 4.5
FAINT = """root => {
  const parse = text => { const m = text.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const over = (top, under) => under.map((v, i) => top[i] * top[3] + v * (1 - top[3]));
  const light = rgb => { const [r, g, b] = rgb.map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05; };
  const behind = element => { const layers = [];
    for (let e = element; e; e = e.parentElement) layers.unshift(parse(getComputedStyle(e).backgroundColor));
    return layers.reduce((under, top) => over(top, under), [255, 255, 255]); };
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT), faint = [];
  while (walk.nextNode()) {
    const text = walk.currentNode.data.trim(), element = walk.currentNode.parentElement;
    if (!text || !element.getClientRects().length || element.closest('style, script, :disabled')) continue;
    const paper = behind(element), ink = over(parse(getComputedStyle(element).color), paper);
    const [low, high] = [light(ink), light(paper)].sort((a, b) => a - b);
    if (high / low < 4.5) faint.push([text.slice(0, 40), high / low]);
  }
  return faint; }"""

# what reaches beyond the right edge of its output: [tag, text, pixels]
CUT = """root => { const right = root.closest('.jp-OutputArea-output').getBoundingClientRect().right;
  const parts = 'img, table, select, button, input, p, [role=slider], .widget-label, .widget-readout';
  return [...root.querySelectorAll(parts)]
    .filter(e => e.getClientRects().length && e.getBoundingClientRect().right > right + 1)
    .map(e => [e.tagName, e.innerText.slice(0, 30), e.getBoundingClientRect().right - right]); }"""


# How a figure is laid out where the page leaves it these widths, one after the other: its box is given them, which is
# what its style asks about. Says what is wrong: tracks, edges, what reaches beyond, and whether controls and picture
# are on screen together.
MISLAID = """(figure, widths) => {
  const box = figure.closest('.ddim-live') ?? figure, page = figure.closest('.jp-WindowedPanel-outer');
  const wrong = [], old = box.style.cssText, rect = e => e.getBoundingClientRect();
  const seen = what => [...box.querySelectorAll(what)].filter(e => e.getClientRects().length);
  for (const width of widths) {
    box.style.cssText = `${old}; width: ${width}px; flex: none; max-width: none`;
    const say = (words) => wrong.push(`${width}: ${words}`);
    seen('.slider-container').filter(e => rect(e).width < 100).forEach(e => say(`a track of ${rect(e).width} pixels`));
    seen('.slider-container, button, select, img, table, input').filter(e => rect(e).right > rect(box).right + 1)
      .forEach(e => say(`beyond the page: ${e.outerHTML.slice(0, 60)}`));
    const columns = new Set(seen('.ddim-grid > *').map(e => Math.round(rect(e).left)));
    const asked = seen('.ddim-grid').map(e => getComputedStyle(e).gridTemplateColumns.split(' ').length)[0] ?? 0;
    if (columns.size > asked) say(`left edges at ${[...columns]}`);
    seen('.ddim-grid > .widget-inline-hbox').filter(e => Math.abs(rect(
        [...e.children].find(child => child.getClientRects().length)).left - rect(e).left) > 1)
      .forEach(e => say(`not at the left: ${e.innerText.slice(0, 30)}`));
    const folded = [...box.querySelectorAll('.ddim-folded')];  // the main controls are to be seen with the picture
    folded.forEach(e => { e.style.display = 'none'; });
    const [controls, picture] = [rect(box.querySelector('.ddim-controls')), rect(box.querySelector('img'))];
    const high = Math.max(controls.bottom, picture.bottom) - Math.min(controls.top, picture.top);
    const together = getComputedStyle(box.querySelector('.ddim-controls')).position === 'sticky'
      ? controls.height + picture.height : high;
    folded.forEach(e => { e.style.display = ''; });
    if (together > page.clientHeight) say(`controls and picture take ${together} of ${page.clientHeight} pixels`);
  }
  box.style.cssText = old;
  return wrong; }"""
CHROME = 170  # pixels of a window's width that JupyterLab takes for itself
WIDTHS = [width - CHROME for width in (600, 800, 1024, 1280, 1440, 1920)]


def check_layout(figure, widths=WIDTHS):
    """At every width tracks are long enough, edges aligned, nothing beyond, and all of it on one screen."""
    if not figure.locator(".ddim-controls").count():
        return  # a training view: it follows the training
    wrong = figure.evaluate(MISLAID, widths)
    assert not wrong, f"laid out wrongly: {wrong}"


def check_keyboard(lesson, figure):
    """Tab reaches every control of a live figure in order; each then has a name, and looks different from before."""
    page = lesson.page
    browser.wait_for(lambda: figure.evaluate(NAMED), 20, "a slider or a player has no name")
    page.evaluate("document.activeElement?.blur()")
    usable = figure.locator(CONTROLS).and_(page.locator(":enabled, div")).filter(visible=True)
    before = usable.evaluate_all(f"controls => controls.map({TELL})")
    usable.first.focus()
    for k, control in enumerate(before):
        if k:  # a focus that a program gave, as to the first control, need not show
            page.keyboard.press("Tab")
        now = page.evaluate(f"({TELL})(document.activeElement)")
        assert now["html"] == control["html"], f"Tab reaches {now['html']} instead of {control['html']}"
        assert now["name"], f"a control has no name: {control['html']}"
        assert not k or now["look"] != control["look"], f"{now['name']}: the focus does not show"


def check_contrast(figure):
    """Every text of a figure's controls and captions is readable on what it stands on."""
    faint = figure.evaluate(FAINT)
    assert not faint, f"too faint: {faint}"


def check_width(figure):
    """Nothing of a figure is cut off at the right."""
    cut = figure.evaluate(CUT)
    assert not cut, f"cut off: {cut}"


def set_theme(lesson, theme):
    """Change JupyterLab's theme and wait until the page shows it."""
    lesson.page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
    lesson.page.wait_for_selector(f'body[data-jp-theme-name="{theme}"]', state="attached")


def check_theme_and_zoom(lesson, cells):
    """The live figures of these cells are readable in both themes, and nothing of them is cut off at 200 %."""
    for theme in THEMES:
        set_theme(lesson, theme)
        for index in cells:
            figure = lesson.live_figure(index)
            check_contrast(figure)
            check_layout(figure)
            if theme == THEMES[0]:
                lesson.screenshot(f"{lesson.name[:2]}-dark-{index}")
    lesson.page.set_viewport_size(ZOOMED)
    for index in cells:
        figure = lesson.live_figure(index)
        check_width(figure)
        check_layout(figure, [figure.bounding_box()["width"]])
    lesson.screenshot(f"{lesson.name[:2]}-zoomed")
    lesson.page.set_viewport_size(browser.WINDOW)


# presses Play, and again as soon as the picture is another; in the page, so that a busy machine does not come between
PLAY_A_WHILE = """play => new Promise(done => {
  const image = play.closest('.widget-vbox').querySelector('img');
  const watch = new MutationObserver(() => { watch.disconnect(); play.click(); done(); });
  watch.observe(image, {attributeFilter: ['src']});
  setTimeout(done, 10000);
  play.click(); })"""


def settled(lesson, words):
    """Whether a figure rests: its kernel is idle, and for a while its words stay, which are not those of a wait."""
    before = words()
    lesson.page.wait_for_timeout(500)
    return before == words() and not before.startswith("One moment") and lesson._kernel_ready()


def check_player(lesson, figure):
    """A player does not start by itself; Play plays, the same button pauses, Stop and Reset go back to the start."""
    play, stop = figure.locator(".widget-play button").all()[:2]
    handle = figure.locator(".widget-hbox:has(> .widget-play)").get_by_role("slider")
    at = lambda: float(handle.get_attribute("aria-valuenow"))  # noqa: E731
    words = lambda: figure.get_by_role("status").inner_text()  # noqa: E731
    reset = figure.get_by_role("button", name="Reset")
    reset.click()  # the sliders were moved before
    browser.wait_for(lambda: settled(lesson, words), 30, "it does not rest after Reset")
    first, said = at(), words()
    lesson.page.wait_for_timeout(400)
    assert at() == first, "it plays without being asked"
    stop.click()  # a player may start anywhere
    browser.wait_for(lambda: at() == 0, 5, "Stop does not go to the first")
    lesson.figure_after(figure, lambda: play.evaluate(PLAY_A_WHILE))
    paused = at()
    assert 0 < paused < float(handle.get_attribute("aria-valuemax")), "it does not play, or does not pause"
    lesson.page.wait_for_timeout(400)
    assert at() == paused, "it does not pause"
    stop.click()
    browser.wait_for(lambda: at() == 0, 5, "Stop does not go back to the first")
    play.click()  # it plays on: Reset stops it, and what is on its way does not undo Reset
    browser.wait_for(lambda: at() > 0, 10, "it does not play on")
    reset.click()
    browser.wait_for(lambda: at() == first, 10, "Reset does not bring back the start")
    # the sliders go back first, the picture and its words follow: until then the caption will still be replaced
    browser.wait_for(lambda: words() == said, 20, "Reset does not bring back the words")
    lesson.page.wait_for_timeout(400)
    assert at() == first, "Reset does not stop what plays"
