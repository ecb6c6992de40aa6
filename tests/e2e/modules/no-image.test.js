import { ApiError, NetworkError } from "/console/api.js";
import { explainNoImage } from "/console/no-image.js";
import { equal } from "./check.js";

const NOTHING = {
  isFilling: false, failure: null, hasAnsweredAll: false, isWithdrawn: false, unsent: 0, left: 0,
};

function said(situation) {
  const text = explainNoImage({ ...NOTHING, ...situation }, () => {}).map((child) => child.textContent ?? child);
  return text[0].split(".")[0].trim();
}

export const tests = {
  "all done is said only when nothing is left, unsent or unknown": () => {
    equal(said({}), "All done");
    equal(said({ unsent: 1 }), "1 answer of yours waits here and will be sent");
    equal(said({ left: 3 }), "Other people have the remaining images");
    equal(said({ hasAnsweredAll: true }), "You have answered every image");
    equal(said({ isFilling: true }), "Loading the next image …");
  },
  "of a job that was withdrawn nobody waits for images, whatever is left of it": () => {
    equal(said({ isWithdrawn: true, left: 3 }), "This job was withdrawn");
    equal(said({ isWithdrawn: true, unsent: 1, hasAnsweredAll: true }), "This job was withdrawn");
  },
  "a refusal is shown in the server's words, a lost network as such": () => {
    equal(said({ failure: new ApiError(404, "no job x") }), "no job x");
    equal(said({ failure: new NetworkError("down"), isFilling: true }), "No connection");
  },
};
