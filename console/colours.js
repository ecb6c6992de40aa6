// @ts-check
// Colours of the classes: told apart by people who see few colours too, and on grey metal.

const COLOURS = [
  "#ff5a36", "#2f9bff", "#ffc400", "#1fc98b", "#d66bff", "#00c8d7", "#ff7ab6", "#a8c800", "#b58cff",
];

/** @param {number} classId */
export const colourOf = (classId) => COLOURS[classId % COLOURS.length] ?? "#ff5a36";
