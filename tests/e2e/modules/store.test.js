import { ApiError, NetworkError } from "/console/api.js";
import { backoff, Outbox } from "/console/outbox.js";
import { Store, waitingForOthers } from "/console/store.js";
import { equal, FakeStorage, holds, until } from "./check.js";

const entry = (task, body = { annotations: [] }) => ({ job_id: "job:1", task_id: task, name: `${task}.jpg`, body });

/** An API whose answers are the functions of `plan`, one for each call; then it says "saved". */
function api(plan) {
  const calls = [];
  return {
    calls,
    answer: async (job, task, body) => {
      calls.push([job, task, body]);
      const step = plan.shift();
      if (step) return step();
      return { status: "saved", remaining: 0 };
    },
  };
}

const fail = (error) => () => {
  throw error;
};

export const tests = {
  "drafts and answers survive, and belong to one person": () => {
    const storage = new FakeStorage();
    const anna = new Store("anna:<b>", storage);
    anna.keepDraft("job:1", "t", [{ left: 1 }]);
    anna.keepAnswer({ ...entry("t"), id: "1", saved_at: 2 });
    anna.keepAnswer({ ...entry("u"), id: "2", saved_at: 1 });
    const later = new Store("anna:<b>", storage);
    equal(later.draft("job:1", "t").boxes, [{ left: 1 }]);
    equal(later.answers().map((each) => each.task_id), ["u", "t"]);
    equal(new Store("anna", storage).answers(), []);
    equal(waitingForOthers("bert", storage), { "anna:<b>": 2 });
    equal(waitingForOthers("anna:<b>", storage), {});
  },
  "what is not ours in the storage does no harm": () => {
    const storage = new FakeStorage();
    storage.setItem("sightline:anna:answer:j:t", "{cut of");
    storage.setItem("other", "x");
    storage.setItem("%E0%A4%A", "x");
    equal(new Store("anna", storage).answers(), []);
    equal(waitingForOthers("bert", storage), { anna: 1 });
  },
  "a full storage is said, not thrown": () => {
    const store = new Store("anna", new FakeStorage(10));
    equal(store.keepDraft("job", "t", [{ left: 1 }]), false);
  },
  "an answer is forgotten only when the server has it": async () => {
    const store = new Store("anna", new FakeStorage());
    const server = api([fail(new NetworkError("down"))]);
    const outbox = new Outbox(server, store);
    outbox.add(entry("t"));
    await until(() => outbox.tries === 1);
    equal(outbox.waiting.length, 1);
    await outbox.send();
    equal([outbox.waiting.length, outbox.tries, server.calls.length], [0, 0, 2]);
    outbox.stop();
  },
  "it is sent again by itself": async () => {
    const store = new Store("anna", new FakeStorage());
    const outbox = new Outbox(api([fail(new NetworkError("down"))]), store);
    outbox.add(entry("t"));
    await until(() => outbox.waiting.length === 0);
    outbox.stop();
  },
  "an answer for which the browser has no room is sent all the same": async () => {
    const server = api([fail(new NetworkError("down"))]);
    const outbox = new Outbox(server, new Store("anna", new FakeStorage(5)));
    outbox.add(entry("t"));
    await until(() => outbox.tries === 1);
    equal([outbox.waiting.length, outbox.hasRoom], [1, false]);
    await until(() => outbox.waiting.length === 0);
    equal([server.calls.length, outbox.hasRoom], [2, true]);
    outbox.stop();
  },
  "a refused answer is kept with the reason and not sent again": async () => {
    const store = new Store("anna", new FakeStorage());
    const server = api([fail(new ApiError(409, "not yours"))]);
    const outbox = new Outbox(server, store);
    outbox.add(entry("t"));
    await until(() => outbox.refused.length === 1);
    equal(outbox.refused[0].refused, { status: 409, message: "not yours" });
    await outbox.send();
    equal(server.calls.length, 1);
    outbox.discard(outbox.refused[0]);
    equal(store.answers(), []);
    outbox.stop();
  },
  "one refused answer does not hold up the others": async () => {
    const store = new Store("anna", new FakeStorage());
    const server = api([fail(new ApiError(400, "wrong"))]);
    const outbox = new Outbox(server, store);
    for (const task of ["a", "b", "c"]) outbox.add(entry(task));
    await until(() => outbox.waiting.length === 0);
    equal(outbox.refused.map((each) => each.task_id), ["a"]);
    outbox.stop();
  },
  "an answer that was replaced while the first was on its way is sent too": async () => {
    const store = new Store("anna", new FakeStorage());
    let release;
    const slow = () => new Promise((resolve) => (release = () => resolve({ status: "saved", remaining: 1 })));
    const server = api([slow]);
    const outbox = new Outbox(server, store);
    outbox.add(entry("t", { annotations: [] }));
    await until(() => release);
    outbox.add(entry("t", { skip: "blurred" }));
    release();
    await until(() => outbox.waiting.length === 0);
    equal(server.calls.map((call) => call[2]), [{ annotations: [] }, { skip: "blurred" }]);
    outbox.stop();
  },
  "waits grow to half a minute and are never none": () => {
    equal([1, 2, 3, 20].map((tries) => backoff(tries, 1)), [1000, 2000, 4000, 30000]);
    holds(backoff(1, 0) >= 500, "some time");
  },
};
