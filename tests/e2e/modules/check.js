// What the tests of the modules need: whole values compared, and a storage that is nobody's.

export function equal(actual, wanted) {
  const [a, b] = [actual, wanted].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`got ${a}, wanted ${b}`);
}

export function holds(claim, about) {
  if (!claim) throw new Error(`does not hold: ${about}`);
}

/** Random numbers that are the same each time. */
export function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

export class FakeStorage {
  constructor(room = Infinity) {
    this.room = room;
    this.map = new Map();
  }

  get length() {
    return this.map.size;
  }

  key(index) {
    return [...this.map.keys()][index];
  }

  getItem(key) {
    return this.map.get(key) ?? null;
  }

  setItem(key, value) {
    if (value.length > this.room) throw new Error("QuotaExceededError");
    this.map.set(key, value);
  }

  removeItem(key) {
    this.map.delete(key);
  }
}

export async function until(found) {
  for (let tries = 0; tries < 400; tries++) {
    if (found()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("not within 4 s");
}
