import { ApiError, NetworkError } from "/console/api.js";
import { TaskQueue } from "/console/task-queue.js";
import { equal, FakeStorage } from "./check.js";
import { Store } from "/console/store.js";

/** A server with `names` to give, which gives what is leased to this person first, as the API does. */
function server(names) {
  const leased = [];
  const open = [...names];
  return {
    asked: [],
    returned: [],
    answered(name) {
      leased.splice(leased.indexOf(name), 1);
    },
    async next(job, count) {
      this.asked.push(count);
      while (leased.length < count && open.length) leased.push(open.shift());
      return leased.slice(0, count).map((name) => ({ task_id: name, name, lease_expires_at: Date.now() + 1000 }));
    },
    async returnLease(job, task) {
      this.returned.push(task);
    },
    async renewLease() {
      return { lease_expires_at: Date.now() + 5000 };
    },
  };
}

function queue(api, ahead = 2) {
  const store = new Store("anna", new FakeStorage());
  const outbox = { store, refused: [], get waiting() { return store.answers(); } };
  return new TaskQueue({ api, outbox, photos: null, job: { job_id: "j" }, ahead });
}

const names = (tasks) => tasks.map((task) => task.task_id);

export const tests = {
  "some are leased ahead, and no more": async () => {
    const api = server(["a", "b", "c", "d", "e"]);
    const tasks = queue(api);
    await tasks.fill();
    equal(names(tasks.tasks), ["a", "b", "c"]);
    await tasks.fill();
    equal(api.asked, [3]);
    api.answered("a");
    tasks.finish({ annotations: [] });
    await tasks.fill();
    equal([tasks.current.task_id, names(tasks.upcoming)], ["b", ["c", "d"]]);
  },
  "what is answered and not sent yet is not worked on again": async () => {
    const api = server(["a", "b", "c", "d"]);
    const tasks = queue(api, 1);
    await tasks.fill();
    tasks.outbox.store.keepAnswer({ id: "1", job_id: "j", task_id: "a", body: {}, saved_at: 1 });
    tasks.finish({});
    await tasks.fill(); // the server still gives "a", which is leased to this person
    equal(names(tasks.open), ["b", "c"]);
    const reloaded = queue(api, 1);
    reloaded.outbox.store.keepAnswer({ id: "1", job_id: "j", task_id: "a", body: {}, saved_at: 1 });
    await reloaded.fill();
    equal(names(reloaded.tasks), ["b", "c"]);
  },
  "what is answered while tasks are asked for makes room for more": async () => {
    const api = server(["a", "b", "c", "d", "e", "f"]);
    const tasks = queue(api, 1);
    await tasks.fill();
    api.answered("a");
    tasks.finish({});
    const filling = tasks.fill();
    api.answered("b");
    tasks.finish({});
    await filling;
    equal(names(tasks.open), ["c", "d"]);
  },
  "back and forth does not lose the place": async () => {
    const api = server(["a", "b", "c", "d"]);
    const tasks = queue(api);
    await tasks.fill();
    for (const name of ["a", "b"]) {
      api.answered(name);
      tasks.finish({ annotations: [] });
      await tasks.fill();
    }
    tasks.back();
    tasks.back();
    equal(tasks.current.task_id, "a");
    tasks.finish({ skip: "x" });
    equal([tasks.current.task_id, tasks.tasks[0].answer], ["c", { skip: "x" }]);
  },
  "a lease is renewed when half of it is over; one that is lost is said": async () => {
    const api = server(["a"]);
    const tasks = queue(api);
    await tasks.fill();
    await tasks.renew(Date.now());
    const before = tasks.current.lease_expires_at;
    await tasks.renew(Date.now() + 600);
    equal(tasks.current.lease_expires_at > before, true);
    api.renewLease = async () => {
      throw new NetworkError("down");
    };
    await tasks.renew(Date.now() + 4000);
    equal(tasks.lost.size, 0);
    api.renewLease = async () => {
      throw new ApiError(409, "bert has it");
    };
    await tasks.renew(Date.now() + 4000);
    equal([...tasks.lost], [["a", "bert has it"]]);
  },
  "what is being asked for while somebody leaves comes back, too": async () => {
    const api = server(["a", "b"]);
    const tasks = queue(api);
    const filling = tasks.fill();
    await tasks.leave(() => false);
    await filling;
    equal([names(tasks.tasks), api.returned], [[], ["a", "b"]]);
  },
  "who leaves gives back what was not begun": async () => {
    const api = server(["a", "b", "c"]);
    const tasks = queue(api);
    await tasks.fill();
    await tasks.leave((task) => task === "b");
    equal(api.returned, ["a", "c"]);
  },
};
