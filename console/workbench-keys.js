// @ts-check
// The keys that every workbench has: for boxes and for the view.

import { growBox, moveBox } from "./geometry.js";
import { texts } from "./texts.js";

/** @import { Command } from "./types.d.ts" */
/** @import { Workbench } from "./workbench.js" */

const PAN_STEP = 60; // pixels of the screen
const REPEAT_STEP = 6; // a held arrow key moves faster
/** @type {[string, number, number][]} */
const ARROWS = [["ArrowLeft", -1, 0], ["ArrowRight", 1, 0], ["ArrowUp", 0, -1], ["ArrowDown", 0, 1]];
const { boxes: BOXES, view: VIEW } = texts.keys.groups;

/**
 * @param {Workbench} bench
 * @returns {Command[]}
 */
export function workbenchCommands(bench) {
  return [...listCommands(bench), ...boxCommands(bench), ...viewCommands(bench), cancelCommand(bench)];
}

/** @param {Workbench} bench */
function isEditing(bench) {
  return bench.boxes !== null && !bench.stage.readOnly;
}

/**
 * In the list, up and down go through the boxes, as lists do.
 * @param {Workbench} bench
 * @returns {Command[]}
 */
function listCommands(bench) {
  const when = () => bench.boxList.hasFocus && bench.boxes !== null;
  return [
    { keys: ["ArrowUp"], hidden: true, when, run: () => bench.boxes?.selectNext(-1) },
    { keys: ["ArrowDown"], hidden: true, when, run: () => bench.boxes?.selectNext(1) },
  ];
}

/**
 * @param {Workbench} bench
 * @returns {Command[]}
 */
function boxCommands(bench) {
  const when = () => isEditing(bench);
  const hasProposals = () => isEditing(bench) && (bench.boxes?.undecided.length ?? 0) > 0;
  const hasSelected = () => isEditing(bench) && Boolean(bench.boxes?.selected);
  const selectNext = (/** @type {KeyboardEvent} */ event) => bench.boxes?.selectNext(event.key === "." ? 1 : -1);
  const remove = () => bench.removeSelected();
  return [
    classCommand(bench),
    ...searchCommand(bench),
    { keys: ["D"], group: BOXES, text: texts.keys.newBox, when, run: () => bench.addInTheMiddle() },
    {
      keys: [".", ","], group: BOXES, text: texts.keys.selectBox, when: () => bench.boxes !== null, run: selectNext,
    },
    ...arrowCommands(bench),
    { keys: ["Delete", "Backspace", "X"], group: BOXES, text: texts.keys.deleteBox, when: hasSelected, run: remove },
    {
      keys: ["A"], group: BOXES, text: texts.keys.acceptProposal, once: true, when: hasProposals,
      run: () => acceptOrSelect(bench),
    },
    {
      keys: ["Shift+A"], group: BOXES, text: texts.keys.acceptAll, when: hasProposals, run: () => bench.acceptAll(),
    },
    { keys: ["Mod+Z"], group: BOXES, text: texts.keys.undo, when, run: () => bench.boxes?.undo() },
    { keys: ["Mod+Y", "Mod+Shift+Z"], group: BOXES, text: texts.keys.redo, when, run: () => bench.boxes?.redo() },
  ];
}

/**
 * @param {Workbench} bench
 * @returns {Command}
 */
function classCommand(bench) {
  const keys = bench.job.classes.slice(0, 9).map((_, classId) => String(classId + 1));
  return {
    keys,
    show: keys.length > 1 ? ["1", String(keys.length)] : ["1"],
    group: BOXES,
    text: texts.keys.chooseClass,
    when: () => isEditing(bench),
    run: (event) => bench.chooseClass(Number(event.key) - 1),
  };
}

/**
 * Where there are more classes than number keys.
 * @param {Workbench} bench
 * @returns {Command[]}
 */
function searchCommand(bench) {
  if (!bench.classList.hasSearch) return [];
  const run = () => bench.classList.search();
  return [{ keys: ["F", "/"], group: BOXES, text: texts.keys.searchClass, when: () => isEditing(bench), run }];
}

/**
 * A proposal is accepted only when it is selected, so that everybody sees which.
 * @param {Workbench} bench
 */
function acceptOrSelect(bench) {
  if (bench.boxes?.selected?.origin === "proposal") bench.acceptSelected();
  else bench.boxes?.select(bench.boxes.undecided[0]?.key ?? null);
}

/**
 * @param {Workbench} bench
 * @returns {Command[]}
 */
function arrowCommands(bench) {
  return ARROWS.map(([key, dx, dy], index) => ({
    keys: [key, `Shift+${key}`],
    show: ["ArrowLeft", "ArrowUp", "ArrowDown", "ArrowRight"],
    hidden: index > 0,
    group: BOXES,
    text: texts.keys.moveBox,
    run: (event) => onArrow(bench, event, dx, dy),
  }));
}

/**
 * Move the selected box, with Shift resize it; without one, pan.
 * @param {Workbench} bench
 * @param {KeyboardEvent} event
 * @param {number} dx
 * @param {number} dy
 */
function onArrow({ boxes, stage }, event, dx, dy) {
  const box = boxes?.selected;
  if (!box || stage.readOnly) {
    stage.pan(-dx * PAN_STEP, -dy * PAN_STEP);
    return;
  }
  const step = event.repeat ? REPEAT_STEP : 1;
  const change = event.shiftKey ? growBox : moveBox;
  boxes.change(box.key, change(box, dx * step, dy * step, stage.size));
  stage.reveal(boxes.selected);
}

/**
 * @param {Workbench} bench
 * @returns {Command[]}
 */
function viewCommands(bench) {
  const { stage, viewControls } = bench;
  const direction = (/** @type {KeyboardEvent} */ event) => (event.shiftKey ? -1 : 1);
  /** @type {(name: "contrast" | "brightness") => (event: KeyboardEvent) => void} */
  const step = (name) => (event) => viewControls.step(name, direction(event));
  return [
    { keys: ["+", "="], show: ["+"], group: VIEW, text: texts.keys.zoomIn, run: () => bench.zoomIn() },
    { keys: ["-"], group: VIEW, text: texts.keys.zoomOut, run: () => bench.zoomOut() },
    { keys: ["0"], group: VIEW, text: texts.keys.fit, run: () => stage.fit() },
    { keys: ["Z"], group: VIEW, text: texts.keys.zoomToBox, run: () => stage.zoomToSelected() },
    { keys: [" "], group: VIEW, text: texts.keys.pan, run: () => stage.holdSpace(true) },
    { keys: ["H"], group: VIEW, text: texts.keys.hide, run: () => stage.hide(true) },
    { keys: ["C", "Shift+C"], group: VIEW, text: texts.keys.contrast, run: step("contrast") },
    { keys: ["V", "Shift+V"], group: VIEW, text: texts.keys.brightness, run: step("brightness") },
    { keys: ["I"], group: VIEW, text: texts.keys.invert, run: () => viewControls.toggleInvert() },
    { keys: ["R"], group: VIEW, text: texts.keys.reset, run: () => viewControls.reset() },
  ];
}

/**
 * @param {Workbench} bench
 * @returns {Command}
 */
function cancelCommand(bench) {
  const run = () => bench.stage.cancel() || bench.boxes?.select(null);
  return { keys: ["Escape"], group: BOXES, text: texts.keys.cancel, run };
}
