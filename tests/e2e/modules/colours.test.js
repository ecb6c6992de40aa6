import { colourOf, distance, labOf, shapeOf } from "/console/colours.js";
import { holds } from "./check.js";

const MANY = 24;
const ids = Array.from({ length: MANY }, (_, index) => index);
const pairs = ids.flatMap((one) => ids.slice(one + 1).map((other) => [one, other]));
// Without the red or the green cones (Viénot, Brettel and Mollon, 1999), on linear light.
const BLIND = [
  [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
  [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
];

const linear = (hex) => [1, 3, 5].map((at) => (parseInt(hex.slice(at, at + 2), 16) / 255) ** 2.2);
const hex = (parts) =>
  `#${parts
    .map((part) => Math.round(Math.min(1, Math.max(0, part)) ** (1 / 2.2) * 255).toString(16).padStart(2, "0"))
    .join("")}`;
const seenBy = (rows, colour) => {
  const light = linear(colour);
  return hex(rows.map((row) => row.reduce((sum, weight, at) => sum + weight * light[at], 0)));
};

export const tests = {
  "no two of many classes have colours that look alike"() {
    for (const [one, other] of pairs) {
      const far = distance(labOf(colourOf(one)), labOf(colourOf(other)));
      holds(far > 0.06, `${one} ${colourOf(one)} and ${other} ${colourOf(other)}: ${far}`);
    }
  },

  "who can't tell two colours apart sees two shapes"() {
    for (const rows of BLIND) {
      for (const [one, other] of pairs) {
        const [a, b] = [one, other].map((id) => labOf(seenBy(rows, colourOf(id))));
        holds(distance(a, b) > 0.06 || shapeOf(one) !== shapeOf(other), `${one} and ${other}`);
      }
    }
  },

  "dark text can be read on each colour"() {
    const luminance = (colour) => {
      const [red, green, blue] = linear(colour);
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    for (const id of ids) {
      const contrast = (luminance(colourOf(id)) + 0.05) / (luminance("#0b0d10") + 0.05);
      holds(contrast > 4.5, `${id} ${colourOf(id)}: ${contrast}`);
    }
  },

  "a class beyond all colours has a colour, too"() {
    holds(/^#[0-9a-f]{6}$/.test(colourOf(500)), colourOf(500));
  },
};
