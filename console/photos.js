// @ts-check
// Photos loaded and decoded before they are asked for, as <img> elements that are put on the stage as they are.

import { texts } from "./texts.js";

/** @typedef {{ id: string, url: string }} Wanted */
/** @typedef {{ url: string, element: HTMLImageElement, failed: boolean, ready: Promise<void> }} Photo */

export class Photos {
  /** @type {Map<string, Photo>} */
  #loaded = new Map();

  /**
   * Load these photos and let go of all others.
   * @param {Wanted[]} wanted
   */
  keep(wanted) {
    const ids = new Set(wanted.map((photo) => photo.id));
    for (const [id, photo] of this.#loaded) {
      if (ids.has(id)) continue;
      if (!photo.element.isConnected) photo.element.removeAttribute("src"); // stops a load that is under way
      this.#loaded.delete(id);
    }
    for (const photo of wanted) this.load(photo);
  }

  /**
   * `ready` of the photo is fulfilled when it can be drawn without a wait, and rejected when it can't be loaded.
   * @param {Wanted} wanted
   * @returns {Photo}
   */
  load({ id, url }) {
    const known = this.#loaded.get(id);
    if (known && !known.failed) return known;
    const element = new Image();
    element.alt = "";
    element.decoding = "sync"; // it is decoded ahead; on the stage it must not come a frame later than its boxes
    element.draggable = false;
    element.setAttribute("elementtiming", "photo"); // what benchmarks/console_page.py watches
    element.referrerPolicy = "no-referrer";
    element.src = url;
    const ready = element.decode().catch(() => {
      photo.failed = true;
      throw new Error(texts.connection.photo);
    });
    ready.catch(() => {}); // whoever shows it says so
    /** @type {Photo} */
    const photo = { url, element, failed: false, ready };
    this.#loaded.set(id, photo);
    return photo;
  }
}
