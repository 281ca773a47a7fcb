// Runs when a live figure is shown, in its front end. `this` is an element of the figure's box.
// The front end's sliders and play buttons have no accessible name. This names them: a slider by its label and its
// readout, so that the name follows the value; a readout, which is a box to type in, by the label. One Tab stop a control.
// For readers whose system asks for less motion, a press on Play is one press of the slider's arrow key.
// The screen's own density is told to the figure, which is drawn for it. Reset, and the first touch after it, are told
// as one number: what comes while it is even was on its way when Reset was pressed.
// The controls appear one after the other, on a busy machine late: so it is done again and again, for ten seconds.
const tell = (input, value) => {
  input.value = String(value);
  input.dispatchEvent(new Event('change', { bubbles: true }));
};
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
    player.addEventListener('click', (event) => {
      if (!less() || !play.contains(event.target)) return;
      event.stopImmediatePropagation();
      handle.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
    }, true);
  });
  const density = box.querySelector('.ddim-density input');
  if (density && devicePixelRatio > 1 && !density.dataset.told) {
    density.dataset.told = 'yes';
    tell(density, Math.min(2, devicePixelRatio));
  }
  const touched = box.querySelector('.ddim-touched input'), reset = box.querySelector('.ddim-tools button:last-child');
  if (touched && reset && !touched.dataset.told) {
    touched.dataset.told = 'yes';
    const count = () => Math.floor(Number(touched.value) / 2);
    tell(touched, 2 * count() + 1);
    ['pointerdown', 'click', 'keydown', 'change'].forEach((kind) => box.addEventListener(kind, (event) => {
      if (event.isTrusted && !reset.contains(event.target) && event.key !== 'Tab' && Number(touched.value) % 2 === 0) {
        tell(touched, 2 * count() + 1);
      }
    }, true));
    box.addEventListener('click', (event) => {
      if (!reset.contains(event.target)) return;
      event.stopImmediatePropagation();
      box.querySelectorAll('.widget-play .fa-pause').forEach((icon) => icon.closest('button').click());
      tell(touched, 2 * count() + 2);
    }, true);
  }
}, delay));
