// What a presenter's keys do in JupyterLab. present.py serves this file to its own JupyterLab as an extension.
// Page Down goes on by one thought: a text, and the check or the picture that belongs to it, which it runs, an
// exercise as it stands. A prediction waits for its answer. Page Up goes back, E shows or hides the code of the
// current cell, R restarts the kernel, or starts one that has ended, and comes back to this place. All other keys stay
// JupyterLab's.

const typing = "input:not([type=checkbox]), textarea, [contenteditable=true], .cm-content";

const page = (cell) => cell.node.closest(".jp-WindowedPanel-outer") || cell.node.parentElement;

const height = (node) => node.getBoundingClientRect().height;

const source = (cell) => cell.model.sharedModel.getSource();

const tagsOf = (cell) => cell.model.getMetadata("tags") || [];

const isExercise = (cell) => tagsOf(cell).some((tag) => tag.startsWith("exercise-"));

const isCode = (cell) => cell.model.type === "code";

// --- what a page shows ---------------------------------------------------------------------------------------------

// A page shows a whole cell: text and equations get a little smaller where they must, and a picture gets the height that
// the rest of its cell leaves. It grows, a still up to twice its size; a live one is drawn with as many dots.
function fit(cell) {
  fitText(cell);
  const pictures = [...cell.node.querySelectorAll(".jp-RenderedImage img, .ddim-figure > .widget-image")];
  pictures.forEach((picture) => { picture.style.width = ""; });
  const seen = pictures.filter((picture) => picture.naturalHeight && height(picture));
  const taken = seen.reduce((sum, picture) => sum + height(picture), 0);
  const beside = seen.some((picture) => picture.closest(".ddim-tall"));
  const room = 0.98 * (page(cell).clientHeight - banner.offsetHeight) - (beside ? 0 : height(cell.node) - taken);
  for (const picture of seen) {
    const share = Math.max(0.4 * page(cell).clientHeight, (room * height(picture)) / taken);
    const { naturalWidth: across, naturalHeight: down } = picture;
    const density = picture.closest(".ddim-figure")?.querySelector(".ddim-density input");
    const size = across / (Number(density?.value) || 1); // of a live picture whose dots are the page's
    picture.style.width = `${Math.min(2 * size, (share * across) / down)}px`;
    picture.style.maxWidth = "100%";
    if (density) sharpen(density, (devicePixelRatio * picture.getBoundingClientRect().width) / size);
  }
}

function sharpen(density, wish) {
  if (Math.min(2, wish) < Number(density.value) + 0.1) return;
  density.value = String(Math.min(2, wish));
  density.dispatchEvent(new Event("change", { bubbles: true }));
}

function fitText(cell) {
  const text = cell.node.querySelector(".jp-MarkdownOutput");
  if (!text) return;
  text.style.zoom = "";
  for (const equation of text.querySelectorAll("mjx-container")) {
    equation.style.zoom = "";
    const share = (text.clientWidth - 10) / equation.getBoundingClientRect().width;
    if (share < 1) equation.style.zoom = share;
  }
  const share = (0.93 * page(cell).clientHeight) / height(cell.node);
  if (share < 1) text.style.zoom = Math.max(0.75, share);
}

// The heading of the section stands fixed above the page.
const banner = Object.assign(document.createElement("div"), { className: "ddim-banner" });
banner.setAttribute("aria-hidden", "true");

function showHeading(notebook) {
  const upTo = notebook.widgets.slice(0, notebook.activeCellIndex + 1);
  const heading = upTo.flatMap((cell) => [...cell.node.querySelectorAll(".jp-MarkdownOutput :is(h1, h2)")]).pop();
  banner.replaceChildren(...[...(heading?.childNodes || [])].map((node) => node.cloneNode(true)));
  banner.querySelector(".jp-InternalAnchorLink")?.remove();
  if (banner.parentElement !== notebook.node.parentElement) notebook.node.before(banner);
}

// The first and the last cell of what one press brought: all of it is shown, in the middle where it fits.
function place(notebook, first, last) {
  for (let k = first; k <= last; k++) fit(notebook.widgets[k]);
  const [top, bottom] = [notebook.widgets[first].node, notebook.widgets[last].node];
  const room = page(notebook.widgets[first]);
  const tall = bottom.getBoundingClientRect().bottom - top.getBoundingClientRect().top;
  const offset = top.getBoundingClientRect().top - room.getBoundingClientRect().top;
  const whole = tall < room.clientHeight - banner.offsetHeight;
  const above = whole ? (room.clientHeight + banner.offsetHeight - tall) / 3 : banner.offsetHeight + 8;
  const wish = whole || first === last ? offset - above : bottom.getBoundingClientRect().bottom - room.getBoundingClientRect().bottom;
  if (Math.abs(wish) > 4) room.scrollBy({ top: wish, behavior: "instant" });
}

// Pictures arrive a moment after their cell has run: wait until they are there, at most three seconds.
async function arrived(cell) {
  const end = Date.now() + 3000;
  const expected = JSON.stringify(cell.model.sharedModel.toJSON().outputs || []).includes("image/png");
  const images = () => [...cell.node.querySelectorAll("img")].filter((image) => image.getClientRects().length);
  const waits = () => expected && (!images().length || images().some((image) => !image.naturalWidth));
  do await new Promise((go) => setTimeout(go, 80)); while (Date.now() < end && waits());
}

// What the class has not come to yet stays pale, so that no answer stands under its question.
function unveil(notebook) {
  const last = Math.max(notebook.activeCellIndex, notebook.widgets.findLastIndex((cell) => cell.model.executionCount));
  notebook.widgets.slice(0, last + 1).forEach((cell) => cell.node.classList.add("ddim-shown"));
}

function veil(notebook) {
  if (!notebook?.widgets || notebook.node.classList.contains("ddim-veiled")) return;
  notebook.node.classList.add("ddim-veiled");
  notebook.activeCellChanged.connect(() => {
    unveil(notebook);
    showHeading(notebook);
  });
  unveil(notebook);
  showHeading(notebook);
}

// --- going on ------------------------------------------------------------------------------------------------------

const started = new WeakSet(); // cells that run now: they have no count yet, and must not be run once more

const isOpen = (cell) => isCode(cell) && !cell.model.executionCount && !started.has(cell);

function activate(notebook, index) {
  notebook.deselectAll();
  notebook.activeCellIndex = index;
  notebook.activeCell.node.focus({ preventScroll: true });
}

async function run(app, notebook, index) {
  activate(notebook, index);
  const cell = notebook.activeCell;
  if (!isOpen(cell)) return;
  started.add(cell);
  await app.commands.execute("notebook:run-cell"); // it takes the cell that is active at this moment
  started.delete(cell);
}

// Long text is read to its end before the next cell comes.
function scrolled(notebook) {
  const cell = notebook.activeCell;
  const left = cell.node.getBoundingClientRect().bottom - page(cell).getBoundingClientRect().bottom;
  if (left < 40 || isCode(cell)) return false;
  page(cell).scrollBy({ top: Math.min(left + 20, 0.8 * page(cell).clientHeight), behavior: "instant" });
  return true;
}

async function next(app, notebook) {
  const { ready, session } = app.shell.currentWidget.sessionContext;
  if (session && !session.kernel) return; // it has ended, and the notice says what to do
  await Promise.race([ready, new Promise((go) => setTimeout(go, 20_000))]); // for a kernel that is still starting
  if (scrolled(notebook)) return;
  const first = notebook.activeCellIndex + 1;
  if (first >= notebook.widgets.length) return;
  activate(notebook, first);
  place(notebook, first, first);
  const text = !isCode(notebook.activeCell);
  const after = notebook.widgets[first + 1];
  const asks = text && (/^\*\*Predict/.test(source(notebook.activeCell)) || !after || !isCode(after) || isExercise(after));
  if (text && asks && !after?.model.sharedModel.getSource().includes("ClassPrediction(")) return;
  const last = text ? first + 1 : first;
  const cell = notebook.widgets[last];
  const running = run(app, notebook, last); // a second key may come while it runs
  if (tagsOf(cell).includes("setup")) return next(app, notebook); // it prints nothing: go on to the first thing to see
  running.then(() => arrived(cell)).then(() => notebook.activeCellIndex === last && place(notebook, first, last));
}

function back(notebook) {
  if (notebook.activeCellIndex === 0) return;
  const index = notebook.activeCellIndex - 1;
  activate(notebook, index);
  place(notebook, index, index);
}

function code(app, notebook) {
  const hidden = notebook.activeCell.inputHidden;
  app.commands.execute(hidden ? "notebook:show-cell-code" : "notebook:hide-cell-code");
}

// --- a kernel that starts again ------------------------------------------------------------------------------------

const notice = Object.assign(document.createElement("div"), { className: "ddim-notice" });
notice.setAttribute("role", "status");

function tell(words) {
  notice.textContent = words;
  document.body.append(notice);
}

let healing = false;

// After a restart nothing of the lesson is known to the kernel: run again what had been run, and come back.
async function heal(app, notebook, context) {
  if (healing) return;
  healing = true;
  tell("One moment …");
  const here = notebook.activeCellIndex;
  const ran = notebook.widgets.map((cell, k) => [cell, k]).filter(([cell]) => isCode(cell) && cell.model.executionCount);
  await new Promise((go) => setTimeout(go, 300));
  await context.ready;
  document.querySelector(".jp-Dialog .jp-mod-accept")?.click(); // JupyterLab's word that a kernel had died
  while (context.session?.kernel?.connectionStatus !== "connected") await new Promise((go) => setTimeout(go, 100));
  for (const [cell, k] of ran) {
    notebook.deselectAll();
    notebook.activeCellIndex = k;
    await app.commands.execute("notebook:run-cell");
  }
  await arrived(notebook.widgets[here]);
  activate(notebook, here);
  place(notebook, here, here);
  notice.remove();
  healing = false;
}

const watched = new WeakSet();

function watch(app, panel) {
  const context = panel?.sessionContext;
  if (!context || watched.has(context)) return;
  watched.add(context);
  const again = () => inTurn(() => heal(app, panel.content, context));
  context.statusChanged.connect((_, status) => ["restarting", "autorestarting"].includes(status) && again());
  context.kernelChanged.connect((_, { oldValue, newValue }) => {
    if (!newValue) tell("The kernel has ended. R starts it and comes back here.");
    else if (!oldValue && notice.isConnected) again();
  });
}

// A kernel that has ended, or of which only the page does not know it yet, is started anew.
function restart(app) {
  const { sessionContext } = app.shell.currentWidget;
  const anew = () => sessionContext.changeKernel({ name: sessionContext.prevKernelName || "python3" });
  const kernel = sessionContext.session?.kernel;
  return kernel ? kernel.restart().catch(() => app.serviceManager.sessions.refreshRunning().then(anew)) : anew();
}

// --- keys ----------------------------------------------------------------------------------------------------------

let moves = Promise.resolve();

function inTurn(move) {
  moves = moves.then(move).catch(console.error); // one after the other, in the order of the keys
}

function onKey(app, event) {
  const notebook = app.shell.currentWidget?.content;
  if (!notebook?.widgets || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const acts = {
    PageDown: () => inTurn(() => next(app, notebook)),
    PageUp: () => inTurn(() => back(notebook)),
    e: () => code(app, notebook),
    r: () => restart(app),
  };
  const act = acts[event.key];
  if (!act || event.target.closest?.(typing)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!event.repeat) act();
}

// JupyterLab's own menus and bars are out of sight, and out of the mouse's way.
function clear(app) {
  const panels = [...(app.shell.layout?.widgets || [])];
  panels.filter((w) => ["jp-top-panel", "jp-menu-panel", "jp-bottom-panel"].includes(w.id)).forEach((w) => w.hide());
  document.body.classList.add("ddim-stage");
  app.shell.currentWidget?.toolbar?.hide();
  ["left", "right"].forEach((side) => app.commands.execute("application:toggle-side-tabbar", { side }));
  app.shell.fit?.();
}

function settle(app) {
  const notebook = app.shell.currentWidget?.content;
  if (notebook?.widgets) place(notebook, notebook.activeCellIndex, notebook.activeCellIndex);
}

const plugin = {
  id: "ddim-present:keys",
  autoStart: true,
  activate: (app) => {
    window.addEventListener("keydown", (event) => onKey(app, event), true);
    window.addEventListener("resize", () => setTimeout(settle, 300, app)); // JupyterLab's own panels move first
    const take = () => {
      veil(app.shell.currentWidget?.content);
      watch(app, app.shell.currentWidget);
    };
    app.shell.currentChanged.connect(take);
    app.restored.then(() => {
      take();
      clear(app);
      if (!app.shell.presentationMode) app.commands.execute("application:toggle-presentation-mode");
    });
  },
};

// a federated extension without a bundler: the container that JupyterLab's loader asks for
(window._JUPYTERLAB = window._JUPYTERLAB || {})["ddim-present"] = {
  init: () => {},
  get: async () => () => ({ __esModule: true, default: plugin }),
};
