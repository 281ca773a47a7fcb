// What a presenter's keys do in JupyterLab. present.py serves this file to its own JupyterLab as an extension.
// Page Down goes to the next cell and runs it if it is code that has not run yet (exercises are left to the class),
// Page Up goes back, E shows or hides the code of the current cell. All other keys stay JupyterLab's.

const typing = "input:not([type=checkbox]), textarea, [contenteditable=true], .cm-content";

function settle(cell, block) {
  // pictures arrive after the run: bring the cell into view now, and again when they are there
  const show = () => {
    const view = cell.node.closest(".jp-WindowedPanel-outer") || cell.node.parentElement;
    const tall = cell.node.offsetHeight > 0.98 * view.clientHeight;
    cell.node.scrollIntoView({ block: tall ? "start" : block });
  };
  [0, 150, 500, 1200].forEach((delay) => setTimeout(show, delay));
}

async function next(app, notebook) {
  const index = notebook.activeCellIndex + 1;
  if (index >= notebook.widgets.length) return;
  notebook.deselectAll();
  notebook.activeCellIndex = index;
  const cell = notebook.activeCell;
  const tags = cell.model.getMetadata("tags") || [];
  const open = cell.model.type === "code" && !cell.model.executionCount && !tags.some((t) => t.startsWith("exercise-"));
  cell.node.focus({ preventScroll: true });
  settle(cell, /^## /.test(cell.model.sharedModel.getSource()) ? "start" : "nearest");
  if (!open) return;
  await app.shell.currentWidget.sessionContext.ready; // a key pressed before the kernel has started waits for it
  const ran = app.commands.execute("notebook:run-cell");
  if (tags.includes("setup")) await next(app, notebook); // it prints nothing: go on to the first thing to see
  await ran;
  if (notebook.activeCell === cell) settle(cell, "nearest");
}

function back(notebook) {
  if (notebook.activeCellIndex === 0) return;
  notebook.deselectAll();
  notebook.activeCellIndex -= 1;
  notebook.activeCell.node.focus({ preventScroll: true });
  notebook.activeCell.node.scrollIntoView({ block: "nearest" });
}

function code(app, notebook) {
  const hidden = notebook.activeCell.inputHidden;
  app.commands.execute(hidden ? "notebook:show-cell-code" : "notebook:hide-cell-code");
}

function onKey(app, event) {
  const notebook = app.shell.currentWidget?.content;
  if (!notebook?.widgets || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const acts = {
    PageDown: () => next(app, notebook),
    PageUp: () => back(notebook),
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
    app.restored.then(() => {
      if (!app.shell.presentationMode) app.commands.execute("application:toggle-presentation-mode");
    });
  },
};

// a federated extension without a bundler: the container that JupyterLab's loader asks for
(window._JUPYTERLAB = window._JUPYTERLAB || {})["ddim-present"] = {
  init: () => {},
  get: async () => () => ({ __esModule: true, default: plugin }),
};
