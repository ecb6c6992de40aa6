// @ts-check
// Which tasks of a job were answered in this tab, so that "previous" works after a reload too.

const REMEMBERED = 30;

export class RecentTasks {
  #key;

  /**
   * @param {string | null} user
   * @param {string} job
   */
  constructor(user, job) {
    this.#key = `recent:${user}:${job}`;
  }

  /**
   * Ids of tasks, the oldest first.
   * @returns {string[]}
   */
  get ids() {
    try {
      return JSON.parse(sessionStorage.getItem(this.#key) ?? "[]") ?? [];
    } catch {
      return [];
    }
  }

  /** @param {string} task */
  add(task) {
    const ids = [...this.ids.filter((each) => each !== task), task].slice(-REMEMBERED);
    sessionStorage.setItem(this.#key, JSON.stringify(ids));
  }
}
