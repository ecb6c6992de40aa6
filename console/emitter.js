// @ts-check
// Events whose names and details the type checker knows.

/** @template {Record<string, unknown>} Events name of each event → its detail */
export class Emitter {
  #target = new EventTarget();

  /**
   * Call `listener` at each event of this name. Return a function that ends that.
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {(detail: Events[Name]) => unknown} listener
   * @returns {() => void}
   */
  on(name, listener) {
    const receive = (/** @type {Event} */ event) => listener(/** @type {CustomEvent<Events[Name]>} */ (event).detail);
    this.#target.addEventListener(name, receive);
    return () => this.#target.removeEventListener(name, receive);
  }

  /**
   * @template {keyof Events & string} Name
   * @param {Name} name
   * @param {Events[Name] extends undefined ? [] : [Events[Name]]} detail
   */
  emit(name, ...detail) {
    this.#target.dispatchEvent(new CustomEvent(name, { detail: detail[0] }));
  }
}
