// @ts-check
// Boxes and views as plain numbers: no page, no state. Points and boxes are in pixels of the image; a view (a
// Placement) says where the image lies on the stage.

/** @import { Placement, Point, Rectangle, Size } from "./types.d.ts" */
/** @typedef {{ name: string, x: number, y: number, cursor: string }} Handle where on a box, as shares of its size */

export const MIN_SIDE = 2; // pixels of the image; a smaller drawing is a slip of the hand
export const MAX_SCALE = 40;
// Handles of a box: which edges follow the pointer, and the cursor that says so.
/** @type {Handle[]} */
export const HANDLES = [
  { name: "nw", x: 0, y: 0, cursor: "nwse-resize" },
  { name: "n", x: 0.5, y: 0, cursor: "ns-resize" },
  { name: "ne", x: 1, y: 0, cursor: "nesw-resize" },
  { name: "e", x: 1, y: 0.5, cursor: "ew-resize" },
  { name: "se", x: 1, y: 1, cursor: "nwse-resize" },
  { name: "s", x: 0.5, y: 1, cursor: "ns-resize" },
  { name: "sw", x: 0, y: 1, cursor: "nesw-resize" },
  { name: "w", x: 0, y: 0.5, cursor: "ew-resize" },
];

/** @param {number} value @param {number} low @param {number} high */
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/**
 * The box between two points, in whole pixels inside an image of `size` = {width, height}; at least one pixel a side.
 * @param {Point} a
 * @param {Point} b
 * @param {Size} size
 */
export function boxBetween(a, b, size) {
  const left = clamp(Math.round(Math.min(a.x, b.x)), 0, size.width - 1);
  const top = clamp(Math.round(Math.min(a.y, b.y)), 0, size.height - 1);
  const right = clamp(Math.round(Math.max(a.x, b.x)), left + 1, size.width);
  const bottom = clamp(Math.round(Math.max(a.y, b.y)), top + 1, size.height);
  return { left, top, width: right - left, height: bottom - top };
}

/**
 * `box` moved by (dx, dy) pixels, kept inside the image with its size.
 * @template {Rectangle} Shape
 * @param {Shape} box
 * @param {number} dx
 * @param {number} dy
 * @param {Size} size
 * @returns {Shape}
 */
export function moveBox(box, dx, dy, size) {
  return {
    ...box,
    left: clamp(Math.round(box.left + dx), 0, size.width - box.width),
    top: clamp(Math.round(box.top + dy), 0, size.height - box.height),
  };
}

/**
 * `box` with the edges of `handle` ("n", "se", …) at `point`; an edge that crosses the opposite one goes on beyond it.
 * @template {Rectangle} Shape
 * @param {Shape} box
 * @param {string} handle
 * @param {Point} point
 * @param {Size} size
 * @returns {Shape}
 */
export function resizeBox(box, handle, point, size) {
  const right = box.left + box.width;
  const bottom = box.top + box.height;
  const west = handle.includes("w");
  const north = handle.includes("n");
  const a = { x: west ? right : box.left, y: north ? bottom : box.top };
  const b = {
    x: west || handle.includes("e") ? point.x : right,
    y: north || handle.includes("s") ? point.y : bottom,
  };
  return { ...box, ...boxBetween(a, b, size) };
}

/**
 * `box` grown by (dx, dy) pixels at its right and lower edge, for the keyboard.
 * @template {Rectangle} Shape
 * @param {Shape} box
 * @param {number} dx
 * @param {number} dy
 * @param {Size} size
 * @returns {Shape}
 */
export function growBox(box, dx, dy, size) {
  return {
    ...box,
    width: clamp(box.width + dx, 1, size.width - box.left),
    height: clamp(box.height + dy, 1, size.height - box.top),
  };
}

/**
 * @param {Rectangle} box
 * @param {Point} point
 */
export function contains(box, point) {
  return (
    point.x >= box.left && point.x <= box.left + box.width && point.y >= box.top && point.y <= box.top + box.height
  );
}

/**
 * Is `point` within `reach` pixels of the outline of `box`?
 * @param {Rectangle} box
 * @param {Point} point
 * @param {number} reach
 */
export function nearOutline(box, point, reach) {
  const outer = {
    left: box.left - reach,
    top: box.top - reach,
    width: box.width + 2 * reach,
    height: box.height + 2 * reach,
  };
  const inner = {
    left: box.left + reach,
    top: box.top + reach,
    width: box.width - 2 * reach,
    height: box.height - 2 * reach,
  };
  return contains(outer, point) && !(inner.width > 0 && inner.height > 0 && contains(inner, point));
}

/**
 * The handle of `box` within `reach` pixels of `point`, the nearest one; null when there is none.
 * @param {Rectangle} box
 * @param {Point} point
 * @param {number} reach
 * @returns {Handle | null}
 */
export function handleAt(box, point, reach) {
  let best = null;
  let distance = reach;
  for (const handle of HANDLES) {
    const away = Math.hypot(
      point.x - (box.left + handle.x * box.width),
      point.y - (box.top + handle.y * box.height),
    );
    if (away <= distance) {
      best = handle;
      distance = away;
    }
  }
  return best;
}

/**
 * The index of the box that a click at `point` means, the smallest that holds it or whose outline is near; -1 for none.
 * @param {Rectangle[]} boxes
 * @param {Point} point
 * @param {number} reach
 */
export function boxAt(boxes, point, reach) {
  let best = -1;
  let least = Infinity;
  for (const [index, box] of boxes.entries()) {
    const area = box.width * box.height;
    if (area >= least || !(contains(box, point) || nearOutline(box, point, reach))) continue;
    best = index;
    least = area;
  }
  return best;
}

/**
 * Intersection over union, 0..1.
 * @param {Rectangle} a
 * @param {Rectangle} b
 */
export function overlap(a, b) {
  const width = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const height = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (a.width * a.height + b.width * b.height - shared);
}

/**
 * The view that shows the whole image in the middle of a stage of `stage` pixels, with a margin.
 * @param {Size} size
 * @param {Size} stage
 * @returns {Placement}
 */
export function fit(size, stage, margin = 12) {
  const scale = Math.max(
    1e-3,
    Math.min((stage.width - 2 * margin) / size.width, (stage.height - 2 * margin) / size.height, MAX_SCALE / 4),
  );
  return { scale, x: (stage.width - size.width * scale) / 2, y: (stage.height - size.height * scale) / 2 };
}

/**
 * `view` zoomed by `factor` so that the point of the image under `point` of the stage stays there.
 * @param {Placement} view
 * @param {Point} point
 * @param {number} factor
 * @param {Size} size
 * @param {Size} stage
 * @returns {Placement}
 */
export function zoomAt(view, point, factor, size, stage) {
  const least = fit(size, stage).scale / 2;
  const scale = clamp(view.scale * factor, Math.min(least, view.scale), MAX_SCALE);
  const ratio = scale / view.scale;
  return keepInSight(
    { scale, x: point.x - (point.x - view.x) * ratio, y: point.y - (point.y - view.y) * ratio },
    size,
    stage,
  );
}

/**
 * @param {Placement} view
 * @param {number} dx
 * @param {number} dy
 * @param {Size} size
 * @param {Size} stage
 * @returns {Placement}
 */
export function panBy(view, dx, dy, size, stage) {
  return keepInSight({ ...view, x: view.x + dx, y: view.y + dy }, size, stage);
}

/**
 * The view shifted so that `box` is on the stage, if it is not.
 * @param {Placement} view
 * @param {Rectangle} box
 * @param {Size} size
 * @param {Size} stage
 * @returns {Placement}
 */
export function reveal(view, box, size, stage, margin = 24) {
  const left = box.left * view.scale + view.x;
  const top = box.top * view.scale + view.y;
  const right = left + box.width * view.scale;
  const bottom = top + box.height * view.scale;
  let dx = 0;
  let dy = 0;
  if (left < margin) dx = margin - left;
  else if (right > stage.width - margin) dx = Math.max(stage.width - margin - right, margin - left);
  if (top < margin) dy = margin - top;
  else if (bottom > stage.height - margin) dy = Math.max(stage.height - margin - bottom, margin - top);
  return dx || dy ? panBy(view, dx, dy, size, stage) : view;
}

/**
 * A part of the image always stays on the stage, so that nobody gets lost.
 * @param {Placement} view
 * @param {Size} size
 * @param {Size} stage
 * @returns {Placement}
 */
function keepInSight(view, size, stage) {
  const width = size.width * view.scale;
  const height = size.height * view.scale;
  const kept = 48;
  return {
    scale: view.scale,
    x: clamp(view.x, kept - width, stage.width - kept),
    y: clamp(view.y, kept - height, stage.height - kept),
  };
}

/**
 * @param {Placement} view
 * @param {Point} point
 */
export function toImage(view, point) {
  return { x: (point.x - view.x) / view.scale, y: (point.y - view.y) / view.scale };
}

/**
 * @param {Placement} view
 * @param {Point} point
 */
export function toStage(view, point) {
  return { x: point.x * view.scale + view.x, y: point.y * view.scale + view.y };
}

/**
 * What two fingers did: from their places before to those after, as a factor and a middle that moved.
 * @param {[Point, Point]} before
 * @param {[Point, Point]} after
 */
export function pinch(before, after) {
  const from = middleOf(before);
  const to = middleOf(after);
  return { factor: spanOf(after) / spanOf(before), at: to, dx: to.x - from.x, dy: to.y - from.y };
}

/** @param {[Point, Point]} pair */
function middleOf([a, b]) {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

/** @param {[Point, Point]} pair */
function spanOf([a, b]) {
  return Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
}
