import * as g from "/console/geometry.js";
import { equal, holds, randomNumbers } from "./check.js";

const SIZE = { width: 450, height: 300 };
const STAGE = { width: 900, height: 640 };

const inside = (box) =>
  box.left >= 0 && box.top >= 0 && box.width >= 1 && box.height >= 1 &&
  box.left + box.width <= SIZE.width && box.top + box.height <= SIZE.height &&
  ["left", "top", "width", "height"].every((field) => Number.isInteger(box[field]));

export const tests = {
  "a box is drawn from any corner": () => {
    const wanted = { left: 10, top: 20, width: 30, height: 40 };
    const corners = [[[10, 20], [40, 60]], [[40, 60], [10, 20]], [[10, 60], [40, 20]], [[40.4, 19.6], [9.6, 60.4]]];
    for (const [a, b] of corners) {
      equal(g.boxBetween({ x: a[0], y: a[1] }, { x: b[0], y: b[1] }, SIZE), wanted);
    }
  },
  "whatever the pointer does, a box has whole pixels inside the image": () => {
    const random = randomNumbers(1);
    const far = () => (random() - 0.3) * 1000;
    for (let round = 0; round < 2000; round++) {
      let box = g.boxBetween({ x: far(), y: far() }, { x: far(), y: far() }, SIZE);
      holds(inside(box), JSON.stringify(box));
      for (const step of [
        () => g.moveBox(box, far(), far(), SIZE),
        () => g.resizeBox(box, g.HANDLES[Math.floor(random() * 8)].name, { x: far(), y: far() }, SIZE),
        () => g.growBox(box, Math.round(far()), Math.round(far()), SIZE),
      ]) {
        box = step();
        holds(inside(box), JSON.stringify(box));
      }
    }
  },
  "moving keeps the size, resizing the opposite edges": () => {
    const box = { left: 100, top: 100, width: 50, height: 40, class_id: 2 };
    equal(g.moveBox(box, -500, 7, SIZE), { left: 0, top: 107, width: 50, height: 40, class_id: 2 });
    const lower = { left: 100, top: 100, width: 70, height: 20, class_id: 2 };
    equal(g.resizeBox(box, "se", { x: 170, y: 120 }, SIZE), lower);
    equal(g.resizeBox(box, "w", { x: 90, y: 0 }, SIZE), { left: 90, top: 100, width: 60, height: 40, class_id: 2 });
    equal(g.resizeBox(box, "w", { x: 190, y: 0 }, SIZE), { left: 150, top: 100, width: 40, height: 40, class_id: 2 });
  },
  "zooming keeps the point under the pointer": () => {
    const view = g.fit(SIZE, STAGE);
    const at = { x: 400, y: 300 };
    const before = g.toImage(view, at);
    const after = g.toImage(g.zoomAt(view, at, 1.7, SIZE, STAGE), at);
    holds(Math.hypot(after.x - before.x, after.y - before.y) < 1e-9, JSON.stringify([before, after]));
  },
  "stage and image are each other's inverse": () => {
    const view = { scale: 2.5, x: -30, y: 12 };
    equal(g.toImage(view, g.toStage(view, { x: 7, y: 9 })), { x: 7, y: 9 });
  },
  "the whole image fits, and never gets out of sight": () => {
    const view = g.fit({ width: 4000, height: 3000 }, STAGE);
    holds(4000 * view.scale <= STAGE.width && 3000 * view.scale <= STAGE.height, view.scale);
    const lost = g.panBy(view, 1e6, -1e6, SIZE, STAGE);
    holds(lost.x < STAGE.width && lost.y + SIZE.height * lost.scale > 0, JSON.stringify(lost));
  },
  "a click means the smallest box, a handle the nearest one": () => {
    const boxes = [{ left: 0, top: 0, width: 200, height: 200 }, { left: 50, top: 50, width: 20, height: 20 }];
    equal(g.boxAt(boxes, { x: 60, y: 60 }, 3), 1);
    equal(g.boxAt(boxes, { x: 120, y: 120 }, 3), 0);
    equal(g.boxAt(boxes, { x: 400, y: 120 }, 3), -1);
    equal(g.handleAt(boxes[0], { x: 199, y: 198 }, 5).name, "se");
    equal(g.handleAt(boxes[0], { x: 100, y: 100 }, 5), null);
  },
  "overlap is intersection over union": () => {
    const box = { left: 0, top: 0, width: 10, height: 10 };
    equal(g.overlap(box, box), 1);
    equal(g.overlap(box, { left: 5, top: 0, width: 10, height: 10 }), 50 / 150);
    equal(g.overlap(box, { left: 20, top: 0, width: 10, height: 10 }), 0);
  },
  "two fingers zoom by how far they part": () => {
    const before = [{ x: 100, y: 100 }, { x: 200, y: 100 }];
    const after = [{ x: 60, y: 110 }, { x: 260, y: 110 }];
    equal(g.pinch(before, after), { factor: 2, at: { x: 160, y: 110 }, dx: 10, dy: 10 });
  },
};
