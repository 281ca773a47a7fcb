// What a presenter's keys do in JupyterLab. present.py serves this file to its own JupyterLab as an extension.
// Page Down goes to the next cell and runs it if it is code that has not run yet (exercises are left to the class),
// Page Up goes back, E shows or hides the code of the current cell. All other keys stay JupyterLab's.

const typing = "input:not([type=checkbox]), textarea, [contenteditable=true], .cm-content";

const page = (cell) => cell.node.closest(".jp-WindowedPanel-outer") || cell.node.parentElement;

const height = (node) => node.getBoundingClientRect().height;

// A page shows a whole cell: text and equations get a little smaller where they must, and a picture gets the height that
// the rest of its cell leaves. A still picture grows, up to 1.5 times; a tall live one has its controls at its side.
function fit(cell) {
  fitText(cell);
  const pictures = [...cell.node.querySelectorAll(".jp-RenderedImage img, .widget-image")];
  const taken = pictures.reduce((sum, picture) => sum + height(picture), 0);
  const room = 0.97 * page(cell).clientHeight - (height(cell.node) - taken);
  for (const picture of pictures) {
    const share = Math.max(200, (room * height(picture)) / taken);
    const { naturalWidth: across, naturalHeight: down } = picture;
    if (!down) continue; // it has not arrived yet
    picture.parentElement.classList.toggle("ddim-tall", picture.matches(".widget-image") && across < 1.2 * down);
    if (picture.matches(".widget-image")) picture.style.maxHeight = `${share}px`;
    else picture.style.width = `${Math.min(1.5 * across, (share * across) / down)}px`;
  }
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
  const share = (0.97 * page(cell).clientHeight) / height(cell.node);
  if (share < 1) text.style.zoom = Math.max(0.8, share);
}

function settle(cell, block) {
  // pictures arrive after the run: bring the cell into view now, and again when they are there
  const show = () => {
    fit(cell);
    const tall = cell.node.offsetHeight > 0.98 * page(cell).clientHeight;
    cell.node.scrollIntoView({ block: tall ? "start" : block });
  };
  [0, 150, 500, 1200].forEach((delay) => setTimeout(show, delay));
}

// What the class has not come to yet stays pale, so that no answer stands under its question.
function unveil(notebook) {
  const last = Math.max(notebook.activeCellIndex, notebook.widgets.findLastIndex((cell) => cell.model.executionCount));
  notebook.widgets.slice(0, last + 1).forEach((cell) => cell.node.classList.add("ddim-shown"));
}

function veil(notebook) {
  if (!notebook?.widgets || notebook.node.classList.contains("ddim-veiled")) return;
  notebook.node.classList.add("ddim-veiled");
  notebook.activeCellChanged.connect(() => unveil(notebook));
  unveil(notebook);
}

const started = new WeakSet(); // cells that run now: they have no count yet, and must not be run once more

async function next(app, notebook) {
  const { ready } = app.shell.currentWidget.sessionContext;
  await Promise.race([ready, new Promise((go) => setTimeout(go, 20_000))]); // for a kernel that is still starting
  const index = notebook.activeCellIndex + 1;
  if (index >= notebook.widgets.length) return;
  notebook.deselectAll();
  notebook.activeCellIndex = index;
  const cell = notebook.activeCell;
  const tags = cell.model.getMetadata("tags") || [];
  const open = cell.model.type === "code" && !cell.model.executionCount && !tags.some((t) => t.startsWith("exercise-"));
  cell.node.focus({ preventScroll: true });
  settle(cell, /^## /.test(cell.model.sharedModel.getSource()) ? "start" : "nearest");
  if (!open || started.has(cell)) return;
  run(app, notebook, cell);
  if (tags.includes("setup")) await next(app, notebook); // it prints nothing: go on to the first thing to see
}

async function run(app, notebook, cell) {
  started.add(cell);
  await app.commands.execute("notebook:run-cell"); // it takes the cell that is active at this moment
  started.delete(cell);
  if (notebook.activeCell === cell) settle(cell, "nearest");
}

function back(notebook) {
  if (notebook.activeCellIndex === 0) return;
  notebook.deselectAll();
  notebook.activeCellIndex -= 1;
  notebook.activeCell.node.focus({ preventScroll: true });
  settle(notebook.activeCell, "nearest");
}

function code(app, notebook) {
  const hidden = notebook.activeCell.inputHidden;
  app.commands.execute(hidden ? "notebook:show-cell-code" : "notebook:hide-cell-code");
}

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
  };
  const act = acts[event.key];
  if (!act || event.target.closest?.(typing)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!event.repeat) act();
}

const plugin = {
  id: "ddim-present:keys",
  autoStart: true,
  activate: (app) => {
    window.addEventListener("keydown", (event) => onKey(app, event), true);
    window.addEventListener("resize", () => {
      const cell = app.shell.currentWidget?.content?.activeCell;
      if (cell) settle(cell, "nearest");
    });
    app.shell.currentChanged.connect(() => veil(app.shell.currentWidget?.content));
    app.restored.then(() => {
      veil(app.shell.currentWidget?.content);
      if (!app.shell.presentationMode) app.commands.execute("application:toggle-presentation-mode");
    });
  },
};

// a federated extension without a bundler: the container that JupyterLab's loader asks for
(window._JUPYTERLAB = window._JUPYTERLAB || {})["ddim-present"] = {
  init: () => {},
  get: async () => () => ({ __esModule: true, default: plugin }),
};
