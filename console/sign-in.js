// @ts-check
// Signing in: as the page where nobody is signed in, and as a dialog over unfinished work when the session is over.

import { messageOf } from "./announce.js";
import { dialog } from "./dialogs.js";
import { h } from "./dom.js";
import { waitingForOthers } from "./store.js";
import { texts } from "./texts.js";

/** @import { Challenge, Command } from "./types.d.ts" */
/** @import { Api } from "./api.js" */

/**
 * @param {string} id
 * @param {string} label
 * @param {"text" | "password"} type
 * @param {string} autocomplete
 */
function field(id, label, type, autocomplete, value = "") {
  const options = { id, type, autocomplete, required: true, value, autocapitalize: "none", spellcheck: "false" };
  const input = h("input", options);
  return { input, row: h("div", { class: "field" }, h("label", { for: id }, label), input) };
}

/**
 * The form; `done` is called when somebody is signed in. `user` can't be changed when it is given.
 * @param {Api} api
 * @param {() => void} done
 * @param {string | null} user
 */
export function signInForm(api, done, user = null) {
  const problem = h("p", { class: "problem", role: "alert" });
  const note = h("p", { class: "note", role: "status" });
  const form = h("form", { class: "sign-in", method: "dialog" });
  /** @type {Challenge | null} */
  let challenge = null;
  const name = field("username", texts.signIn.userName, "text", "username", user ?? "");
  name.input.readOnly = user !== null;
  const password = field("password", texts.signIn.password, "password", "current-password");
  const newPassword = field("new-password", texts.signIn.newPassword, "password", "new-password");
  const rules = h("p", { class: "muted", hidden: true }, texts.signIn.passwordRules);
  const button = h("button", { class: "primary" }, texts.signIn.signIn);
  (user ? password : name).input.setAttribute("autofocus", "");

  const showNewPassword = () => {
    password.row.replaceWith(newPassword.row);
    name.input.readOnly = true;
    button.textContent = texts.signIn.choosePassword;
    note.textContent = texts.signIn.firstTime;
    rules.hidden = false;
    newPassword.input.focus();
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    problem.textContent = "";
    try {
      if (challenge) challenge = await api.choosePassword(challenge, newPassword.input.value);
      else challenge = await api.signIn(name.input.value.trim(), password.input.value);
      if (challenge) showNewPassword();
      else done();
    } catch (error) {
      problem.textContent = messageOf(error);
      (challenge ? newPassword : password).input.select();
    } finally {
      button.disabled = false;
    }
  });
  form.append(name.row, note, password.row, rules, problem, h("div", { class: "actions" }, button));
  return form;
}

export class SignInView {
  title = texts.signIn.title;

  /**
   * @param {Api} api
   * @param {() => void} done
   */
  constructor(api, done) {
    const others = Object.entries(waitingForOthers(null));
    this.element = h(
      "div",
      { class: "page narrow" },
      h("h1", {}, texts.signIn.title),
      others.map(([name, number]) => h("p", { class: "banner" }, texts.signIn.keptForOthers(number, name))),
      signInForm(api, done),
      h("p", { class: "muted" }, texts.signIn.accounts),
    );
  }

  close() {}

  /** @returns {Command[]} */
  commands() {
    return [];
  }
}

let isAsking = false;

/**
 * The session is over: sign in again without losing the page. Return false when that was not done, or is being asked
 * already.
 * @param {Api} api
 * @param {string | null} user
 */
export async function signInAgain(api, user) {
  if (isAsking) return false;
  isAsking = true;
  const isSignedIn = await dialog(texts.signIn.again, (/** @type {(value: true | null) => void} */ close) =>
    h("div", {}, h("p", {}, texts.signIn.sessionOver), signInForm(api, () => close(true), user)),
  );
  isAsking = false;
  return isSignedIn === true;
}
