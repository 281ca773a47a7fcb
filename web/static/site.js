// Typesets the formulas, and moves the figures: each has its states as pictures, made by the figure's own code.

for (const place of document.querySelectorAll('.tex'))
  katex.render(place.textContent, place, { displayMode: place.tagName === 'DIV', throwOnError: false, strict: false });

window.ddimFrames = {};  // by figure: [[words, words as HTML], …] or [[…, the view as HTML], …], put there by its frames.js

/** Fetch the words of a figure's states, once; a script, so that it works from a folder too. */
function states(figure) {
  const { frames } = figure.dataset;
  return figure.states ??= new Promise((done, failed) => {
    const script = document.createElement('script');
    script.src = `${frames}/frames.js`;
    script.onload = () => done(window.ddimFrames[frames.split('/').at(-1)]);
    script.onerror = failed;
    document.head.append(script);
  });
}

const address = (figure, index) => `${figure.dataset.frames}/${String(index).padStart(3, '0')}.webp`;

/** Fetch a picture ahead of its turn. */
function fetched(figure, index) {
  const image = new Image();
  image.src = address(figure, index);
  return image.decode().then(() => image.src);
}

/** Show the state that the controls say: its picture and its words together, the newest only. */
async function move(figure) {
  const controls = [...figure.querySelectorAll('[data-count]')], sizes = controls.map(control => Number(control.dataset.count));
  const at = controls.map(control => control.selectedIndex ?? Number(control.value));
  controls.forEach((control, i) => {
    if (control.type !== 'range') return;
    const text = JSON.parse(control.dataset.texts)[at[i]];
    control.setAttribute('aria-valuetext', text);
    control.closest('label').querySelector('b').textContent = text;
  });
  const index = values => values.reduce((sum, value, i) => sum * sizes[i] + value, 0), wanted = index(at);
  figure.wanted = wanted;
  const all = await states(figure), picture = figure.querySelector('img'), page = figure.querySelector('.ddim-html');
  const [words, typeset, view] = all[wanted], source = picture && await fetched(figure, wanted);
  if (figure.wanted !== wanted) return;
  if (picture) { picture.src = source; picture.alt = words; } else page.innerHTML = view;
  figure.querySelector('.ddim-words').innerHTML = typeset;
  figure.dataset.shown = wanted;
  if (picture) controls.forEach((_, i) => [-1, 1].forEach(step => {  // the next key asks for a neighbour
    const near = at.with(i, at[i] + step);
    if (near[i] >= 0 && near[i] < sizes[i]) fetched(figure, index(near)).catch(() => {});
  }));
}

for (const figure of document.querySelectorAll('.ddim-player')) {
  figure.addEventListener('input', () => move(figure));
  figure.addEventListener('pointerover', () => states(figure), { once: true });
  figure.addEventListener('focusin', () => states(figure), { once: true });
  figure.querySelector('button').addEventListener('click', () => {
    for (const control of figure.querySelectorAll('[data-count]')) {
      if (control.type === 'range') control.value = control.dataset.start;
      else control.selectedIndex = control.dataset.start;
    }
    move(figure);
  });
}
