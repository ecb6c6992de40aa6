import { Boxes, plain, sameBoxes } from "/console/boxes.js";
import { equal, holds, randomNumbers } from "./check.js";

const box = (left, class_id = 0) => ({ class_id, left, top: 5, width: 10, height: 12 });

export const tests = {
  "proposals are no answer until they are decided": () => {
    const proposals = [{ ...box(2), score: 0.8 }, { ...box(3), score: 0.4 }];
    const boxes = Boxes.of({ annotations: [box(1)], proposals });
    equal(boxes.answer(), [box(1)]);
    boxes.accept(boxes.undecided[0].key);
    equal(boxes.answer(), [box(1), box(2)]);
    boxes.change(boxes.undecided[0].key, { left: 30 }); // to move one is to accept it
    equal(boxes.answer(), [box(1), box(2), box(30)]);
    equal(boxes.undecided.length, 0);
  },
  "undo and redo go through every step, and a new step forgets what was undone": () => {
    const boxes = Boxes.of({});
    const random = randomNumbers(3);
    const states = [boxes.answer()];
    for (let step = 0; step < 60; step++) {
      const some = boxes.list[Math.floor(random() * boxes.list.length)];
      const choice = random();
      if (!some || choice < 0.5) boxes.add(box(step));
      else if (choice < 0.75) boxes.change(some.key, { left: 500 + step });
      else boxes.remove(some.key);
      states.push(boxes.answer());
    }
    for (const state of states.slice(0, -1).reverse()) {
      boxes.undo();
      equal(boxes.answer(), state);
    }
    holds(!boxes.canUndo, "nothing is left to undo");
    for (const state of states.slice(1)) {
      boxes.redo();
      equal(boxes.answer(), state);
    }
    boxes.undo();
    boxes.add(box(9999));
    holds(!boxes.canRedo, "a new step forgets what was undone");
  },
  "a change that changes nothing is no step": () => {
    const boxes = Boxes.of({ annotations: [box(1)] });
    boxes.change(boxes.list[0].key, { left: 1 });
    boxes.accept();
    holds(!boxes.canUndo, "no step");
  },
  "a draft comes back as it was": () => {
    const boxes = Boxes.of({ proposals: [{ ...box(2), score: 0.8 }] });
    boxes.add(box(7, 1));
    const again = Boxes.restore(JSON.parse(JSON.stringify(boxes.draft())));
    equal(again.draft(), boxes.draft());
    equal(again.undecided[0].score, 0.8);
  },
  "deleting selects the next, so that several go in a row": () => {
    const boxes = Boxes.of({ annotations: [box(1), box(2), box(3)] });
    boxes.select(boxes.list[1].key);
    boxes.remove(boxes.selected.key);
    equal(boxes.selected.left, 3);
    boxes.remove(boxes.selected.key);
    equal(boxes.selected.left, 1);
    boxes.remove(boxes.selected.key);
    equal(boxes.selected, null);
  },
  "only what the API knows is sent": () => {
    const boxes = Boxes.of({});
    boxes.add({ ...box(4), score: 1, extra: "no" });
    equal(Object.keys(boxes.answer()[0]), Object.keys(plain(box(4))));
    holds(sameBoxes(boxes.answer(), [box(4)]) && !sameBoxes(boxes.answer(), [box(5)]), "the same answer");
  },
};
