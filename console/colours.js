// @ts-check
// What tells the classes apart: a colour and a shape for each, however many there are. Who sees few colours sees the
// shapes. All colours are light enough for dark text on them.

/** @typedef {[number, number, number]} Lab a colour in Oklab, where the distance is how different two look */

/** The first ones are chosen by hand, for grey metal. */
const FIRST = [
  "#ff5a36", "#2f9bff", "#ffc400", "#1fc98b", "#d66bff", "#00c8d7", "#ff7ab6", "#a8c800", "#b58cff",
];
const LIGHTS = [0.64, 0.76, 0.88];
const STRENGTHS = [0.06, 0.12, 0.2];
const HUES = 24;
/** Paths in a square of 10 by 10. */
const SHAPES = [
  "M5 .5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9z",
  "M1 1h8v8h-8z",
  "M5 .5l5 9h-10z",
  "M5 0l5 5l-5 5l-5-5z",
  "M0 .5h10l-5 9z",
  "M3.4 0h3.2v3.4h3.4v3.2h-3.4v3.4h-3.2v-3.4h-3.4v-3.2h3.4z",
  "M0 1.2h10v2.9h-10zM0 5.9h10v2.9h-10z",
  "M2.1 0l2.9 2.9l2.9-2.9l2.1 2.1l-2.9 2.9l2.9 2.9l-2.1 2.1l-2.9-2.9l-2.9 2.9l-2.1-2.1l2.9-2.9l-2.9-2.9z",
];

const chosen = [...FIRST];
/** @type {Lab[]} */
const seen = FIRST.map(labOf);
const candidates = LIGHTS.flatMap((light) => STRENGTHS.flatMap((strength) => ring(light, strength)));

/**
 * The colour of a class, as "#rrggbb": the one that differs most from those of the classes before it.
 * @param {number} classId
 */
export function colourOf(classId) {
  while (chosen.length <= classId && candidates.length) {
    const far = candidates.map((each) => Math.min(...seen.map((other) => distance(each, other))));
    const [next] = candidates.splice(far.indexOf(Math.max(...far)), 1);
    if (!next) break;
    const colour = hexOf(next);
    chosen.push(colour);
    seen.push(labOf(colour));
  }
  return chosen[classId % chosen.length] ?? "#ff5a36";
}

/**
 * The shape of a class, as the path of an SVG or a canvas. One more after each sixteen: so none of the first two dozen
 * shares its shape with one of a similar colour.
 * @param {number} classId
 */
export const shapeOf = (classId) => SHAPES[(classId + Math.floor(classId / 16)) % SHAPES.length] ?? "";

/**
 * Colours of all hues, as a screen can show them.
 * @param {number} light
 * @param {number} strength
 */
function ring(light, strength) {
  return Array.from({ length: HUES }, (_, step) => {
    const angle = ((step + light) / HUES) * 2 * Math.PI;
    return labOf(hexOf([light, strength * Math.cos(angle), strength * Math.sin(angle)]));
  });
}

/**
 * @param {Lab} one
 * @param {Lab} other
 */
export const distance = (one, other) => Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]);

/**
 * @param {string} hex
 * @returns {Lab}
 */
export function labOf(hex) {
  const part = (/** @type {number} */ at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  const [red, green, blue] = [part(1), part(3), part(5)];
  const l = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const m = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const s = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** @param {Lab} lab */
function hexOf([light, a, b]) {
  const l = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (light - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const parts = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return `#${parts.map(byteOf).join("")}`;
}

/** @param {number} value */
function byteOf(value) {
  const part = Math.min(1, Math.max(0, value));
  const shown = part <= 0.0031308 ? part * 12.92 : 1.055 * part ** (1 / 2.4) - 0.055;
  return Math.round(shown * 255).toString(16).padStart(2, "0");
}
