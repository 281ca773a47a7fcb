// Runs when a live figure is shown, in its front end. `this` is an element of the figure's box.
// The front end's sliders and play buttons have no accessible name. This names them: a slider by its label and its
// readout, so that the name follows the value; a readout, which is a box to type in, by the label. One Tab stop a control.
// For readers whose system asks for less motion, a press on Play is one press of the slider's arrow key.
// The screen's own density is told to the figure, which is drawn for it.
// The controls appear one after the other, on a busy machine late: so it is done again and again, for ten seconds.
[100, 500, 2000, 10000].forEach((delay) => setTimeout(() => {
  const box = this.closest('.ddim-figure');
  if (!box) return; // it has gone meanwhile
  box.querySelectorAll('.widget-slider').forEach((slider) => {
    const parts = slider.querySelectorAll('.widget-label, .widget-readout');
    parts.forEach((part) => { part.id ||= 'part-' + Math.random().toString(36).slice(2); });
    slider.querySelector('[role=slider]')?.setAttribute('aria-labelledby', [...parts].map((part) => part.id).join(' '));
    const typing = slider.querySelector('.widget-readout[contenteditable=true]');
    typing?.setAttribute('role', 'textbox');
    typing?.setAttribute('aria-labelledby', parts[0].id);
    typing?.setAttribute('tabindex', '-1');
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
    box.querySelector('.ddim-tools button:last-child')?.addEventListener('click', () => {
      if (play.querySelector('.fa-pause')) play.click(); // Reset stops what plays, before it plays on
    }, true);
    player.addEventListener('click', (event) => {
      if (!less() || !play.contains(event.target)) return;
      event.stopImmediatePropagation();
      handle.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
    }, true);
  });
  const density = box.querySelector('.ddim-density input');
  if (density && devicePixelRatio > 1 && !density.dataset.told) {
    density.dataset.told = 'yes';
    density.value = String(Math.min(2, devicePixelRatio));
    density.dispatchEvent(new Event('change', { bubbles: true }));
  }
}, delay));
