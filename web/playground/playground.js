/* DDPM beside DDIM on a shape of your own: the exact denoiser of its parts, both samplers from one x_T.

The formulas translate ddim_lessons/ddim.py, schedules.py and oracle.py; tests/site/test_playground.py compares them.
In the shape that anywidget loads: `model` keeps a text, `state`, which a link holds too. */

// --- the formulas, which the worker runs too ---

/** ᾱ_t of the schedule "linear" or "cosine"; T + 1 numbers, ᾱ_0 = 1. */
export function alphaBar(name, T) {
  const signal = t => Math.cos((t / T + 0.008) / 1.008 * Math.PI / 2) ** 2;
  const beta = name === 'linear' ? t => 1e-4 + (0.02 - 1e-4) * (t - 1) / (T - 1)
    : t => Math.min(1 - signal(t) / signal(t - 1), 0.999);
  const levels = Float64Array.of(1, ...Array(T).fill(0));
  for (let t = 1; t <= T; t++) levels[t] = levels[t - 1] * (1 - beta(t));
  return levels;
}

/** The S + 1 times from T down to 0 that a sampler with S steps visits. */
export function makeTau(T, S, spacing) {
  const gap = Math.floor(T / S), rising = {
    linear: i => Math.floor((2 * i * T + S) / (2 * S)),
    quadratic: i => Math.max(Math.floor((2 * i * i * T + S * S) / (2 * S * S)), i),
    leading: i => i === S ? T : i * gap,
    trailing: i => i === 0 ? 0 : T - (S - i) * gap,
  }[spacing];
  return Array.from({ length: S + 1 }, (_, i) => rising(S - i));
}

/** σ² = η² (1−ᾱ_s)(1−ᾱ_t/ᾱ_s)/(1−ᾱ_t), the noise that the step from t to s adds (DDIM eq. 16, squared). */
export function variance(at, as, eta) {
  return eta * eta * ((1 - as) * (1 - at / as) / (1 - at));
}

/** Walk the points xT, (n, 2), down the noise `levels` ᾱ of the visited times; returns the states, (S + 1, n, 2).

ε̂ is exact for equal Gaussians of width `std` on `parts`, (K, 2): with v = ᾱ std² + 1 − ᾱ it is
√(1−ᾱ)/v · (x − √ᾱ Σ w μ), where w is the softmax of −|x − √ᾱ μ|²/(2v); a weight below e^−20 of the largest counts as 0.
Then x_s = √ᾱ_s x̂_0 + √(1−ᾱ_s−σ²) ε̂ + σ z (eq. 12); `z`, (S, n, 2), is not read where η = 0. */
export function walk(xT, z, parts, std, levels, eta) {
  const n = xT.length / 2, K = parts.length / 2, S = levels.length - 1, states = new Float64Array((S + 1) * 2 * n);
  const logit = new Float64Array(K), half = logit.map((_, j) => (parts[2 * j] ** 2 + parts[2 * j + 1] ** 2) / 2);
  states.set(xT);
  for (let k = 0; k < S; k++) {
    const at = levels[k], as = levels[k + 1], v = at * std * std + 1 - at, sigmaSq = variance(at, as, eta);
    const signal = Math.sqrt(at), noise = Math.sqrt(1 - at), toData = Math.sqrt(as), sigma = Math.sqrt(sigmaSq);
    const left = 1 - as - sigmaSq, direction = Math.sqrt(left > 0 || left < -1e-6 * (1 - as) ? left : 0);
    for (let i = 0, from = 2 * n * k, to = from + 2 * n; i < 2 * n; i += 2) {
      const x = states[from + i], y = states[from + i + 1], across = signal * x / v, up = signal * y / v;
      let most = -Infinity, sum = 0, meanX = 0, meanY = 0;
      for (let j = 0; j < K; j++) {
        const value = logit[j] = across * parts[2 * j] + up * parts[2 * j + 1] - at / v * half[j];
        if (value > most) most = value;
      }
      for (let j = 0; j < K; j++) {
        const below = logit[j] - most;
        if (below < -20) continue;
        const weight = Math.exp(below);
        sum += weight; meanX += weight * parts[2 * j]; meanY += weight * parts[2 * j + 1];
      }
      const epsX = noise / v * (x - signal * meanX / sum), epsY = noise / v * (y - signal * meanY / sum);
      states[to + i] = toData * (x - noise * epsX) / signal + direction * epsX;
      states[to + i + 1] = toData * (y - noise * epsY) / signal + direction * epsY;
      if (eta > 0) { states[to + i] += sigma * z[from + i]; states[to + i + 1] += sigma * z[from + i + 1]; }
    }
  }
  return states;
}

/** `count` draws from N(0, 1) of the stream number `index` of a seed. */
export function normals(seed, index, count) {
  let a = Math.imul(seed + 1, 0x9E3779B1) ^ Math.imul(index + 1, 0x85EBCA6B);
  const uniform = () => {
    a = a + 0x6D2B79F5 | 0;
    let t = Math.imul(a ^ a >>> 15, 1 | a);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 4294967296;
  };
  return Float64Array.from({ length: count }, () =>
    Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()));
}

/** x_T (n, 2) and z (S, n, 2) of the points first … first + n − 1, a stream each: more points change no point. */
export function draws(seed, first, n, S) {
  const xT = new Float64Array(2 * n), z = new Float64Array(2 * n * S);
  for (let i = 0; i < n; i++) {
    const own = normals(seed, first + i, 2 * S + 2);
    for (let k = 0; k <= S; k++) (k ? z : xT).set(own.subarray(2 * k, 2 * k + 2), (k ? k - 1 : 0) * 2 * n + 2 * i);
  }
  return { xT, z };
}

/** Of the ends of states (S + 1, n, 2): the sum of squared distances to the nearest part, how many kept their side. */
function measure(states, n, parts) {
  const ends = states.subarray(states.length - 2 * n);
  let off = 0, kept = 0;
  for (let i = 0; i < 2 * n; i += 2) {
    let nearest = Infinity;
    for (let j = 0; j < parts.length; j += 2)
      nearest = Math.min(nearest, (ends[i] - parts[j]) ** 2 + (ends[i + 1] - parts[j + 1]) ** 2);
    off += nearest;
    kept += ends[i] > 0 === states[i] > 0;
  }
  return { off, kept };
}

/** The worker: answers the newest job in blocks of about twelve milliseconds, and drops it for a newer one.

The left side, η = 1, is kept while only the right side's η changes. */
function work() {
  let job, kept = {}, speed = 1e5;  // terms a millisecond
  const block = () => {
    const { id, first, n, seed, parts, std, levels, eta, key } = job, S = levels.length - 1, begin = performance.now();
    const terms = S * parts.length, at = `${key} ${first}`, old = kept[at];
    const count = old?.count ?? Math.min(n - first, Math.max(16, Math.round(12 * speed / terms)));
    const { xT, z } = draws(seed, first, count, S);
    if (kept.key !== key) kept = { key };
    const left = old?.left ?? walk(xT, z, parts, std, levels, 1), right = walk(xT, z, parts, std, levels, eta);
    kept[at] = { count, left };
    postMessage({ id, first, count, sides: [left, right].map(states =>
      ({ states: Float32Array.from(states), ...measure(states, count, parts) })) });
    speed = count * terms / (old ? 2 : 1) / Math.max(performance.now() - begin, 0.5);
    job.first += count;
    if (job.first < n) setTimeout(block); else job = null;
  };
  onmessage = ({ data }) => {
    const idle = !job;
    job = { ...data, first: 0 };
    if (idle) setTimeout(block);
  };
}

const WORKER = [variance, walk, normals, draws, measure, work].join('\n') + '\nwork();';

// --- shapes: parts (K, 2) ---

const curve = (K, point) => Float64Array.from({ length: 2 * K }, (_, i) => point(((i >> 1) + 0.5) / K)[i & 1]);
const CURVES = {
  moons: u => u < 0.5 ? [Math.cos(2 * Math.PI * u) - 0.5, Math.sin(2 * Math.PI * u) - 0.25]
    : [0.5 - Math.cos(2 * Math.PI * (u - 0.5)), 0.25 - Math.sin(2 * Math.PI * (u - 0.5))],
  ring: u => [Math.cos(2 * Math.PI * u), Math.sin(2 * Math.PI * u)],
  spiral: u => [Math.sqrt(u) * Math.cos(12 * Math.sqrt(u)), Math.sqrt(u) * Math.sin(12 * Math.sqrt(u))],
};

/** Centre the parts and scale them so that a coordinate's variance is 1 on average, the parts' own width included. */
function scaled(parts, std) {
  const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;
  const middle = [0, 1].map(c => mean(parts.filter((_, i) => i % 2 === c)));
  const centred = parts.map((value, i) => value - middle[i & 1]), square = mean(centred.map(value => value * value));
  return centred.map(value => value * Math.sqrt((1 - std * std) / square));
}

/** K places in a word's ink, evenly spread; none if it has no ink. */
function inked(word, K) {
  const canvas = document.createElement('canvas'), pen = canvas.getContext('2d', { willReadFrequently: true });
  const font = 'bold 120px system-ui, sans-serif';
  pen.font = font;
  canvas.width = Math.ceil(pen.measureText(word).width) + 40;
  canvas.height = 200;
  pen.font = font;
  pen.fillText(word, 20, 140);
  const { data, width, height } = pen.getImageData(0, 0, canvas.width, canvas.height), parts = [];
  for (let i = 1; parts.length < 2 * K && i < 400 * K; i++) {  // R2, an even sequence
    const x = Math.floor(0.7548776662466927 * i % 1 * width), y = Math.floor(0.5698402909980532 * i % 1 * height);
    if (data[4 * (y * width + x) + 3] > 127) parts.push(x, -y);
  }
  return Float64Array.from(parts);
}

/** K places at equal distances along strokes, each a list of points. */
function along(strokes, K) {
  const pieces = strokes.flatMap(stroke => stroke.map((q, i) => [stroke[Math.max(i - 1, 0)], q])), ends = [0];
  for (const [p, q] of pieces) ends.push(ends.at(-1) + Math.hypot(q[0] - p[0], q[1] - p[1]) + 1e-9);
  return curve(K, u => {
    const far = u * ends.at(-1), k = ends.findIndex(end => end >= far) - 1, [p, q] = pieces[k];
    return [0, 1].map(c => p[c] + (far - ends[k]) / (ends[k + 1] - ends[k]) * (q[c] - p[c]));
  });
}

// --- the state, and the text that holds it ---

const T = 1000, STD = 0.04, ACROSS = 3.2, UP = 2.56;  // half the window
const STEPS = [1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200];
const named = (...values) => Object.fromEntries(values.map(value => [value, value]));
const CHOICES = {
  data: { word: 'the word', moons: 'two moons', ring: 'ring', spiral: 'spiral', drawing: 'your drawing' },
  view: { plane: 'the plane', ode: 'x̄ against σ̃' },
  spacing: named('linear', 'quadratic', 'leading', 'trailing'),
  schedule: named('linear', 'cosine'),
  S: named(...STEPS),
  n: named(200, 500, 2000),
  K: named(50, 100, 200, 300),
  paths: { 0: 'no', 1: 'yes' },
  reach: named(1, 3, 10, 160),
};
const RANGES = { S: [0, STEPS.length - 1], eta: [0, 1], t: [0, T], seed: [0, 99], x: [-3, 3], y: [-2.4, 2.4] };
const START = {
  data: 'word', word: 'DDIM', strokes: '', S: 20, eta: 0, t: 0, view: 'plane', paths: 1, seed: 0, n: 500, K: 200,
  x: 0.6, y: 1.2, spacing: 'linear', schedule: 'linear', reach: 3,
};

/** The state that a text holds; the rest as it starts. Returns [state, what of the text is not taken]. */
export function fromText(text) {
  const state = { ...START }, refused = [];
  for (const [name, value] of new URLSearchParams(text)) {
    const number = Number(value);
    const fits = name in CHOICES ? Object.hasOwn(CHOICES[name], value)
      : name in RANGES ? value !== '' && number >= RANGES[name][0] && number <= RANGES[name][1]
      : name === 'word' ? value.length <= 12
      : name === 'strokes' && /^[0-9a-z][0-9a-z-]*$/.test(value) && value.split('-').every(part => part.length % 4 === 0);
    if (fits) state[name] = typeof START[name] === 'number' ? number : value;
    else refused.push(`${name} = ${value.slice(0, 20)}`);
  }
  state.seed = Math.round(state.seed);
  if (state.data === 'drawing' && !state.strokes) state.data = START.data;
  return [state, refused];
}

/** The text of a state: what differs from the start. */
export function toText(state) {
  return new URLSearchParams(Object.entries(state).filter(([name, value]) => value !== START[name])).toString();
}

const coded = value => Math.round((Math.max(-3.2, Math.min(3.2, value)) + 3.2) * 100).toString(36).padStart(2, '0');
const pack = strokes => strokes.map(stroke => stroke.map(p => p.map(coded).join('')).join('')).join('-');
const unpack = text => text.split('-').filter(Boolean).map(stroke => stroke.match(/\w{4}/g)
  .map(p => [p.slice(0, 2), p.slice(2)].map(part => parseInt(part, 36) / 100 - 3.2)));

// --- the page ---

const option = ([value, text]) => `<option value="${value}">${text}</option>`;
const menu = (name, label) =>
  `<label>${label} <select name="${name}">${Object.entries(CHOICES[name]).map(option).join('')}</select></label>`;
const slider = (name, label, step) => `<label class="slider"><span>${label} <b></b></span><input type="range"
  name="${name}" min="${RANGES[name][0]}" max="${RANGES[name][1]}" step="${step}"></label>`;
const panel = title => `<figure><figcaption>${title} <span></span></figcaption><div class="panel">
  <canvas role="img" aria-label="${title}, described below"></canvas><div class="handle"></div></div></figure>`;
const PAGE = `<form class="ddim-playground" autocomplete="off">
<div class="row"><label>Type a word <input name="word" maxlength="12" size="10" spellcheck="false"></label>
${menu('data', 'or take')} <button type="button" name="draw" aria-pressed="false">Draw</button></div>
<div class="panels">${panel('DDPM, η = 1')}${panel('DDIM, your η')}</div>
<div class="sliders">${slider('S', 'S, steps', 1)}${slider('eta', 'η, noise', 0.05)}
${slider('t', 'time t', 10)}</div>
<div class="row"><button type="button" name="play">Play the time</button>
<button type="button" name="again">Other noise</button> <button type="button" name="link">Copy the link</button>
<button type="button" name="reset">Reset</button></div>
<p class="say" role="status"></p>
<details open><summary>The starting point, and more</summary>
<div class="sliders">${slider('x', 'starting point, across', 0.05)}${slider('y', 'starting point, up', 0.05)}
${slider('seed', 'seed', 1)}</div>
<div class="row">${menu('view', 'show')} ${menu('paths', 'paths')} ${menu('n', 'points')} ${menu('K', 'parts')}
${menu('spacing', 'spacing')} ${menu('schedule', 'schedule')} ${menu('reach', 'σ̃ up to')}</div></details>
</form>`;

const minus = value => `${Number(value.toFixed(2))}`.replace('-', '−');

/** Show the playground in `el`; returns the function that ends it. */
function render({ model, el }) {
  el.innerHTML = PAGE;
  const form = el.firstElementChild, controls = form.elements, say = form.querySelector('.say');
  const panels = [...form.querySelectorAll('.panel')], canvases = panels.map(p => p.querySelector('canvas'));
  const worker = new Worker(URL.createObjectURL(new Blob([WORKER], { type: 'text/javascript' })));
  let state, refused, parts, strokes, levels, tau, blocks = [], chosen = [], id = 0, frame = 0, playing = 0;
  let drawing = null, note = '', settled = 0;

  const shape = () => {
    const found = state.data === 'drawing' ? along(unpack(state.strokes), state.K)
      : scaled(state.data === 'word' ? inked(state.word, state.K) : curve(state.K, CURVES[state.data]), STD);
    note = found.length ? '' : 'This word has no ink: the shape stays. ';
    parts = found.length ? found : parts ?? curve(state.K, CURVES.ring);
  };
  const follow = () => {  // the one starting point: so little that the page does it at once
    const { z } = draws(state.seed, 1e6, 1, state.S), xT = Float64Array.of(state.x, state.y);
    chosen = [1, state.eta].map(eta => walk(xT, z, parts, STD, levels, eta));
  };
  const ask = () => {
    worker.postMessage({ id: ++id, n: state.n, seed: state.seed, parts, std: STD, levels, eta: state.eta,
      key: [state.n, state.seed, state.S, state.spacing, state.schedule, ...parts].join() });
  };
  worker.onmessage = ({ data }) => {
    if (data.id !== id) return;
    blocks = data.first ? [...blocks, data] : [data];
    redraw();
  };
  const redraw = () => { frame ||= requestAnimationFrame(draw); };

  /** Take up a change: `what` says how deep it goes. */
  const update = (what = 'all') => {
    if (what === 'shape' || what === 'all') shape();
    if (what !== 'time') {
      tau = makeTau(T, state.S, state.spacing);
      const schedule = alphaBar(state.schedule, T);
      levels = Float64Array.from(tau, t => schedule[t]);
      follow();
      if (what !== 'start') ask();
    }
    tell();
    redraw();
    clearTimeout(settled);
    settled = setTimeout(() => {
      settled = 0;
      model.set('state', toText(state));
      model.save_changes();
      redraw();
    }, 300);
  };

  const at = () => tau.findLastIndex(t => t >= state.t);  // the visited time shown
  const tell = () => {
    for (const [name, value] of Object.entries({ ...state, S: STEPS.indexOf(state.S) }))
      if (controls[name] && controls[name].value !== `${value}`) controls[name].value = value;
    for (const name in RANGES) {
      const text = minus(name === 't' ? tau[at()] : state[name]);
      controls[name].closest('label').querySelector('b').textContent = text;
      controls[name].setAttribute('aria-valuetext', text);
    }
    form.classList.toggle('ode', state.view === 'ode');
  };

  /** The panels in words, once all is drawn and has come to rest. */
  const describe = () => {
    const ends = [0, 1].map(side => {
      const sum = what => blocks.reduce((total, block) => total + block.sides[side][what], 0);
      form.querySelectorAll('figcaption span')[side].textContent =
        `${Math.round(100 * sum('kept') / state.n)} % on their side · off data ${Math.sqrt(sum('off') / state.n).toFixed(2)}`;
      return `(${[...chosen[side].slice(-2)].map(minus).join(', ')})`;
    });
    say.textContent = `${note}${refused.length ? `Not taken from the link: ${refused.join(', ')}. ` : ''}`
      + `${state.n} points from one noise in ${state.S} steps, shown at t = ${tau[at()]}; blue started on the right, orange on `
      + `the left. The starting point (${minus(state.x)}, ${minus(state.y)}) ends at ${ends[0]} with DDPM, at ${ends[1]} `
      + `with η = ${minus(state.eta)}.`;
  };

  const draw = () => {
    frame = 0;
    const style = getComputedStyle(form), colour = name => style.getPropertyValue(`--${name}`);
    const k = at(), first = blocks[0];
    if (first?.sides[0].states.length !== 2 * (state.S + 1) * first?.count) return;  // of another S: the old picture stays
    canvases.forEach((canvas, side) => {
      const size = Math.round(canvas.clientWidth * devicePixelRatio), high = Math.round(size * UP / ACROSS);
      if (canvas.width !== size) Object.assign(canvas, { width: size, height: high });
      const pen = canvas.getContext('2d'), unit = size / (2 * ACROSS), ode = state.view === 'ode';
      const { reach } = state, span = 2.2 + 1.6 * reach;  // of σ̃ and of x̄
      const place = (x, y, i) => {
        if (!ode) return [size / 2 + unit * x, high / 2 - unit * y];
        const a = levels[i], tilde = Math.sqrt((1 - a) / a);
        return [size / 2 + x / Math.sqrt(a) / span * size / 2, high * (0.95 - 0.9 * tilde / reach)];
      };
      const dots = (points, radius) => {
        pen.beginPath();
        for (const [x, y] of points) { pen.moveTo(x + radius, y); pen.arc(x, y, radius, 0, 7); }
        pen.fill();
      };
      const trace = (states, n, i, last) => {
        for (let m = 0; m <= last; m++) {
          const at = 2 * (m * n + i), [x, y] = place(states[at], states[at + 1], m);
          if (m) pen.lineTo(x, y); else pen.moveTo(x, y);
        }
      };
      const line = size / 400;
      pen.clearRect(0, 0, size, high);
      pen.fillStyle = colour('part');
      dots(Array.from({ length: parts.length / 2 }, (_, j) => place(parts[2 * j], parts[2 * j + 1], state.S)), 2.2 * line);
      pen.strokeStyle = colour('path');
      pen.lineWidth = line * 0.8;
      pen.beginPath();
      if (state.paths || ode)
        for (let i = 0; i < 16; i++) trace(first.sides[side].states, first.count, i, k);
      pen.stroke();
      for (const right of [true, false]) {
        const points = [];
        for (const { count, sides: { [side]: { states } } } of blocks) for (let i = 0; i < count; i++) {
          const at = 2 * (k * count + i);
          if (states[2 * i] > 0 === right) points.push(place(states[at], states[at + 1], k));
        }
        pen.fillStyle = colour(right ? 'right' : 'left');
        dots(points, (state.n > 500 ? 1.2 : 1.8) * line);
      }
      pen.strokeStyle = pen.fillStyle = colour('ink');
      pen.lineWidth = 2 * line;
      pen.beginPath();
      trace(chosen[side], 1, 0, k);
      pen.stroke();
      dots([place(chosen[side][2 * k], chosen[side][2 * k + 1], k)], 4.5 * line);
      if (ode) axes(pen, size, high, span, reach);
    });
    for (const { style } of form.querySelectorAll('.handle')) {
      style.left = `${50 + 50 * state.x / ACROSS}%`;
      style.top = `${50 - 50 * state.y / UP}%`;
    }
    const drawn = blocks.reduce((sum, block) => sum + block.count, 0);
    if (drawn === state.n && !settled) describe();
    if (first.id === id) el.dispatchEvent(new CustomEvent('drawn', { detail: { drawn, n: state.n } }));
  };

  const axes = (pen, size, high, span, reach) => {
    const small = Math.max(11 * devicePixelRatio, size / 32), foot = 0.95 * high - small / 2;
    pen.font = `${small}px system-ui, sans-serif`;
    pen.fillText(`σ̃ = ${reach}`, small / 2, 0.05 * high + small);
    pen.fillText('σ̃ = 0', small / 2, foot);
    pen.fillText(`x̄ = ${span}`, size - 4 * small, foot);
  };

  const set = (change, what) => { Object.assign(state, change); update(what); };
  const DEPTH = { data: 'shape', word: 'shape', K: 'shape', t: 'time', view: 'time', paths: 'time', reach: 'time',
    x: 'start', y: 'start' };
  const isPen = () => form.classList.contains('drawing');
  const pen = on => {
    controls.draw.setAttribute('aria-pressed', on);
    form.classList.toggle('drawing', on);
  };
  form.addEventListener('input', ({ target }) => {
    const { name } = target, value = name === 'S' ? STEPS[target.value] : target.value;
    stop();
    if (name === 'data' && value === 'drawing' && !strokes.length) return pen(true);
    if (name === 'data' || name === 'word') pen(false);
    set({ [name]: typeof START[name] === 'number' ? Number(value) : value, ...(name === 'word' && { data: 'word' }) },
      DEPTH[name] ?? 'run');
  });
  form.addEventListener('submit', event => event.preventDefault());

  const plane = (event, p) => {
    const box = p.getBoundingClientRect(), inside = (value, most) => Math.max(-most, Math.min(most, value));
    const x = 2 * (event.clientX - box.left) / box.width - 1, y = 1 - 2 * (event.clientY - box.top) / box.height;
    return [inside(x * ACROSS, RANGES.x[1]), inside(y * UP, RANGES.y[1])];
  };
  const move = (event, p) => {
    const [x, y] = plane(event, p).map(value => Number(value.toFixed(2)));
    set({ x, y }, 'start');
  };
  panels.forEach((p, side) => {
    const handle = p.querySelector('.handle'), canvas = canvases[side];
    handle.addEventListener('pointerdown', event => { handle.setPointerCapture(event.pointerId); });
    handle.addEventListener('pointermove', event => { if (handle.hasPointerCapture(event.pointerId)) move(event, p); });
    canvas.addEventListener('click', event => { if (!isPen() && state.view === 'plane') move(event, p); });
    canvas.addEventListener('pointerdown', event => {
      if (!isPen()) return;
      canvas.setPointerCapture(event.pointerId);
      drawing = [plane(event, p)];
      strokes = [...strokes, drawing];
    });
    canvas.addEventListener('pointermove', event => {
      if (!drawing) return;
      const q = plane(event, p), last = drawing.at(-1);
      if (Math.hypot(q[0] - last[0], q[1] - last[1]) < 0.06) return;
      drawing.push(q);
      set({ data: 'drawing', strokes: pack(strokes) }, 'shape');
    });
    canvas.addEventListener('lostpointercapture', () => { drawing = null; });
  });

  const stop = () => { cancelAnimationFrame(playing); playing = 0; controls.play.textContent = 'Play the time'; };
  const play = () => {
    if (playing) return stop();
    if (matchMedia('(prefers-reduced-motion: reduce)').matches)  // one visited time on at each press
      return set({ t: tau[(at() + 1) % tau.length] }, 'time');
    const begin = performance.now();
    controls.play.textContent = 'Pause';
    const tick = now => {
      set({ t: Math.max(0, Math.round(T - (now - begin) / 3)) }, 'time');
      if (state.t > 0) playing = requestAnimationFrame(tick); else stop();
    };
    playing = requestAnimationFrame(tick);
  };
  const open = text => {
    [state, refused] = fromText(text);
    strokes = unpack(state.strokes);
    update();
  };
  const PRESS = {
    play,
    draw: () => { if (!isPen()) strokes = []; pen(!isPen()); },
    again: () => set({ seed: (state.seed + 1) % 100 }, 'run'),
    reset: () => { stop(); pen(false); open(''); },
    link: () => {
      const link = `${location.href.split('#')[0]}#${toText(state)}`;
      say.textContent = `The link: ${link}`;
      navigator.clipboard?.writeText(link).catch(() => {});
    },
  };
  form.addEventListener('click', ({ target }) => PRESS[target.name]?.());

  const watch = new ResizeObserver(redraw), dark = matchMedia('(prefers-color-scheme: dark)');
  watch.observe(form);
  dark.addEventListener('change', redraw);
  const outside = () => { const text = model.get('state') ?? ''; if (text !== toText(state)) open(text); };
  model.on?.('change:state', outside);
  open(model.get('state') ?? '');
  return () => {
    stop(); worker.terminate(); watch.disconnect(); clearTimeout(settled);
    dark.removeEventListener('change', redraw);
    model.off?.('change:state', outside);
  };
}

export default { render };
