// Photos loaded and decoded before they are asked for, as <img> elements that are put on the stage as they are.

export class Photos {
  #loaded = new Map(); // id → {url, element, ready}

  /** Load these photos ({id, url}) and let go of all others. */
  keep(wanted) {
    const ids = new Set(wanted.map((photo) => photo.id));
    for (const [id, photo] of this.#loaded) {
      if (ids.has(id)) continue;
      if (!photo.element.isConnected) photo.element.removeAttribute("src"); // stops a load that is under way
      this.#loaded.delete(id);
    }
    for (const photo of wanted) this.load(photo);
  }

  /** {element, ready}: `ready` is fulfilled when the photo can be drawn without a wait, and rejected when it can't be loaded. */
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
    const photo = { url, element, failed: false };
    photo.ready = element.decode().catch(() => {
      photo.failed = true;
      throw new Error("The image can’t be loaded.");
    });
    photo.ready.catch(() => {}); // whoever shows it says so
    this.#loaded.set(id, photo);
    return photo;
  }
}
