// @ts-check
// Numbers, times and names as people read them.

/** The language of the page, for numbers and times; the words are in texts.js. */
export const LANGUAGE = "en";

/** @type {[Intl.RelativeTimeFormatUnit, number][]} unit and its seconds */
const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60]];
const moments = new Intl.DateTimeFormat(`${LANGUAGE}-GB`, {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit",
});
const relative = new Intl.RelativeTimeFormat(LANGUAGE);
const current = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "auto" });

/**
 * "3 images", "1 image".
 * @param {number} number
 * @param {string} one
 */
export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString(LANGUAGE)} ${number === 1 ? one : many}`;
}

/** "85 %" of a share in 0..1. @param {number} share */
export function percent(share) {
  return `${Math.round(share * 100)} %`;
}

/**
 * A number with so many digits after the point; "–" when there is none.
 * @param {number | null | undefined} value
 * @param {number} digits
 */
export function decimal(value, digits) {
  if (typeof value !== "number") return "–";
  return value.toLocaleString(LANGUAGE, { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/**
 * "4 minutes ago" for a time in milliseconds or as ISO 8601.
 * @param {number | string | null} time
 */
export function ago(time, now = Date.now()) {
  const at = typeof time === "string" ? Date.parse(time) : time;
  if (!at) return "–";
  const seconds = Math.max(0, (now - at) / 1000);
  for (const [unit, size] of UNITS) {
    if (seconds >= size) return relative.format(-Math.floor(seconds / size), unit);
  }
  return current.format(0, "second"); // "now"
}

/**
 * "30 Nov, 17:55" for a time in milliseconds.
 * @param {number} time
 */
export function moment(time) {
  return moments.format(time);
}

/** "Nov 20, 2026, 10:00 AM" of ISO 8601, in the zone of the reader. @param {string} time */
export function dateTime(time) {
  return new Date(time).toLocaleString(LANGUAGE, { dateStyle: "medium", timeStyle: "short" });
}

/** The last part of a key: what people call the image. @param {string} name */
export function fileName(name) {
  return name.split("/").at(-1) ?? name;
}
