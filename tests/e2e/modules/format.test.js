import { ago, count, decimal, fileName, percent } from "/console/format.js";
import { equal } from "./check.js";

export const tests = {
  "one is one, and thousands are grouped": () => {
    equal([count(1, "box", "boxes"), count(0, "box", "boxes")], ["1 box", "0 boxes"]);
    equal(count(1200, "image"), "1,200 images");
  },
  "times are told in their largest unit": () => {
    const now = Date.parse("2026-01-10T12:00:00Z");
    equal(ago("2026-01-10T11:59:30+00:00", now), "now");
    equal(ago(now - 60_000, now), "1 minute ago");
    equal(ago(now - 7_300_000, now), "2 hours ago");
    equal(ago("2026-01-07T11:00:00Z", now), "3 days ago");
    equal(ago(now + 5_000, now), "now"); // a clock that is ahead
    equal([ago(null, now), ago("never", now)], ["–", "–"]);
  },
  "numbers have the digits that they should, and none is a dash": () => {
    equal([decimal(0.5, 3), decimal(1234.4, 0), decimal(null, 3), percent(0.845)], ["0.500", "1,234", "–", "85 %"]);
  },
  "an image is called by the last part of its key": () => {
    equal([fileName("incoming/line-1/a.jpg"), fileName("a.jpg")], ["a.jpg", "a.jpg"]);
  },
};
