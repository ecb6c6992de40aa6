// Signing in: as the page where nobody is signed in, and as a dialog over unfinished work when the session is over.

import { dialog, h } from "./dom.js";
import { waitingForOthers } from "./store.js";

const PASSWORD_RULES = "At least 12 characters, with a small letter, a capital and a digit."; // those of the user pool in template.yaml

/** The form; `done` is called when somebody is signed in. `user` is kept when it is given. */
export function signInForm(api, done, user = null) {
  const problem = h("p", { class: "problem", role: "alert" });
  const form = h("form", { class: "sign-in", method: "dialog" });
  let challenge = null;

  const field = (id, label, type, autocomplete, value = "") => {
    const input = h("input", { id, type, autocomplete, required: true, value, autocapitalize: "none", spellcheck: "false" });
    return { input, row: h("div", { class: "field" }, h("label", { for: id }, label), input) };
  };
  const name = field("username", "Name", "text", "username", user ?? "");
  name.input.readOnly = user !== null;
  const password = field("password", "Password", "password", "current-password");
  const newPassword = field("new-password", "New password", "password", "new-password");
  const rules = h("p", { class: "muted", hidden: true }, PASSWORD_RULES);
  const button = h("button", { class: "primary" }, "Sign in");
  (user ? password : name).input.setAttribute("autofocus", "");

  const showNewPassword = () => {
    password.row.replaceWith(newPassword.row);
    name.input.readOnly = true;
    button.textContent = "Choose password and sign in";
    problem.textContent = "This is your first sign-in: choose a password of your own.";
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
      problem.textContent = error.message;
      (challenge ? newPassword : password).input.select();
    } finally {
      button.disabled = false;
    }
  });
  form.append(name.row, password.row, rules, problem, h("div", { class: "actions" }, button));
  return form;
}

export class SignInView {
  title = "Sign in";

  constructor(app) {
    const others = Object.entries(waitingForOthers(null));
    this.element = h(
      "div",
      { class: "page narrow" },
      h("h1", {}, "Sign in"),
      others.map(([name, number]) =>
        h("p", { class: "banner" }, `${number} answer(s) of ${name} are kept in this browser and are sent when ${name} signs in.`),
      ),
      signInForm(app.api, () => app.signedIn()),
      h("p", { class: "muted" }, "Accounts are made by whoever runs this Sightline."),
    );
  }

  close() {}

  commands() {
    return [];
  }
}

let isAsking = false;

/** The session is over: sign in again without losing the page. False when that was not done, or is being asked already. */
export async function signInAgain(api, user) {
  if (isAsking) return false;
  isAsking = true;
  const isSignedIn = await dialog("Sign in again", (close) =>
    h("div", {}, h("p", {}, "Your session is over. Nothing you did is lost; it is sent when you are back."), signInForm(api, () => close(true), user)),
  );
  isAsking = false;
  return isSignedIn === true;
}
