// @ts-check
// Draws the boxes over the photo: outlines, tags, handles, and the cross of the pointer.

import { colourOf, shapeOf } from "./colours.js";
import { HANDLES, toStage } from "./geometry.js";
import { texts } from "./texts.js";

/** @import { Box, KeyedBox, Placement, Point, Size } from "./types.d.ts" */
/** @import { PointerKind } from "./gestures.js" */

/** @typedef {CanvasRenderingContext2D} Pen */
/** @typedef {Box & Partial<KeyedBox>} ShownBox a box, or one that is being drawn */
/** @typedef {{ x: number, y: number, width: number, height: number }} Frame where a box is on the stage */
/**
 * @typedef {object} Scene
 * @property {KeyedBox[]} boxes
 * @property {KeyedBox | null} selected
 * @property {Box | null} preview the box that is being drawn, moved or resized, as it would be now
 * @property {KeyedBox | null} changed the box that is being moved or resized, as it was
 * @property {Point | null} cross where the pointer is
 * @property {string[]} classes
 * @property {boolean} readOnly
 * @property {Placement} view
 * @property {Size} stage
 * @property {PointerKind} pointer
 */

const SHAPE = 12; // pixels that the shape of a class takes in a tag
const INK = "#0b0d10";
const HANDLE_RADIUS = { mouse: 4, pen: 5, touch: 8 };

/**
 * @param {Pen} pen
 * @param {Scene} scene
 */
export function drawOverlay(pen, scene) {
  const { boxes, selected, preview, changed, cross } = scene;
  for (const box of boxes) {
    if (box !== selected && !(preview && changed?.key === box.key)) drawBox(pen, scene, box, false);
  }
  if (preview) drawBox(pen, scene, { ...changed, ...preview }, true);
  else if (selected) drawBox(pen, scene, selected, true);
  if (cross) drawCross(pen, cross, scene.stage);
}

/**
 * @param {Pen} pen
 * @param {Scene} scene
 * @param {ShownBox} box
 * @param {boolean} isSelected
 */
function drawBox(pen, scene, box, isSelected) {
  const { x, y } = toStage(scene.view, { x: box.left, y: box.top });
  const frame = { x, y, width: box.width * scene.view.scale, height: box.height * scene.view.scale };
  const colour = colourOf(box.class_id);
  if (isSelected) {
    pen.fillStyle = `${colour}22`;
    pen.fillRect(x, y, frame.width, frame.height);
  }
  pen.setLineDash(box.origin === "proposal" ? [7, 5] : []);
  pen.lineWidth = isSelected ? 5 : 4;
  pen.strokeStyle = "rgba(0, 0, 0, 0.55)"; // seen on bright metal and on a dark table alike
  pen.strokeRect(x, y, frame.width, frame.height);
  pen.lineWidth = isSelected ? 2.5 : 1.75;
  pen.strokeStyle = colour;
  pen.strokeRect(x, y, frame.width, frame.height);
  pen.setLineDash([]);
  drawTag(pen, tagOf(scene, box), frame, box, box.origin === "proposal");
  if (isSelected && !scene.readOnly) drawHandles(pen, frame, colour, HANDLE_RADIUS[scene.pointer]);
}

/**
 * The number of a box, its class, and how sure the model is.
 * @param {Scene} scene
 * @param {ShownBox} box
 */
function tagOf({ boxes, classes }, box) {
  const number = boxes.findIndex((each) => each.key === box.key) + 1;
  const name = classes[box.class_id] ?? texts.stage.unknownClass(box.class_id);
  const words = [number ? String(number) : "", classes.length > 1 ? name : ""];
  if (box.origin === "proposal") words.push(texts.stage.proposal(box.score));
  return words.filter(Boolean).join(" ").trim();
}

/**
 * The shape of the class, and a text.
 * @param {Pen} pen
 * @param {string} text
 * @param {Frame} frame
 * @param {Box} box
 * @param {boolean} isProposal
 */
function drawTag(pen, text, { x, y, height }, { class_id: classId }, isProposal) {
  const colour = colourOf(classId);
  pen.font = "600 11px system-ui, sans-serif";
  pen.textBaseline = "middle";
  const width = pen.measureText(text).width + 9 + SHAPE;
  const top = y >= 17 ? y - 17 : y + height + 2;
  pen.fillStyle = isProposal ? "rgba(0, 0, 0, 0.72)" : colour;
  pen.fillRect(x - 1, top, width, 15);
  const shape = new Path2D();
  shape.addPath(new Path2D(shapeOf(classId)), new DOMMatrix([0.9, 0, 0, 0.9, x + 3, top + 3]));
  pen.fillStyle = isProposal ? colour : INK;
  pen.fill(shape);
  pen.fillStyle = isProposal ? "#fff" : INK;
  pen.fillText(text, x + 4 + SHAPE, top + 8);
}

/**
 * @param {Pen} pen
 * @param {Frame} frame
 * @param {string} colour
 * @param {number} radius
 */
function drawHandles(pen, { x, y, width, height }, colour, radius) {
  for (const handle of HANDLES) {
    const isMiddle = handle.x === 0.5 || handle.y === 0.5;
    if (isMiddle && Math.min(width, height) < 6 * radius) continue;
    pen.fillStyle = "#fff";
    pen.strokeStyle = colour;
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(x + handle.x * width, y + handle.y * height, radius, 0, 2 * Math.PI);
    pen.fill();
    pen.stroke();
  }
}

/**
 * @param {Pen} pen
 * @param {Point} at
 * @param {Size} stage
 */
function drawCross(pen, at, { width, height }) {
  const line = (/** @type {string} */ style, /** @type {number} */ shift) => {
    pen.strokeStyle = style;
    pen.beginPath();
    pen.moveTo(Math.floor(at.x) + shift, 0);
    pen.lineTo(Math.floor(at.x) + shift, height);
    pen.moveTo(0, Math.floor(at.y) + shift);
    pen.lineTo(width, Math.floor(at.y) + shift);
    pen.stroke();
  };
  pen.lineWidth = 1;
  line("rgba(255, 255, 255, 0.5)", 0.5);
  line("rgba(0, 0, 0, 0.35)", 1.5);
}
