// @ts-check
// What a person chose in this browser and can lose without harm: theme, contrast, grid.

/** @import { Filter } from "./types.d.ts" */

/** @typedef {{ theme: string, filter: Filter, grid: boolean }} Settings */

const PREFIX = "sightline-";

/**
 * @template {keyof Settings} Name
 * @param {Name} name
 * @param {Settings[Name]} fallback
 * @returns {Settings[Name]}
 */
export function readSetting(name, fallback) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name) ?? "null") ?? fallback;
  } catch {
    return fallback;
  }
}

/**
 * @template {keyof Settings} Name
 * @param {Name} name
 * @param {Settings[Name]} value
 */
export function writeSetting(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // a full or closed storage only means the default next time
  }
}
