// The rules for the page's JavaScript. Types are checked by tsc; layout is a matter of taste, except for the lengths.

import js from "@eslint/js";
import globals from "globals";

// What a newcomer would look for in console/texts.js: a literal with words in it, where people read it.
const WORDS = ":matches(Literal[value=/[A-Za-z]{2}/], TemplateLiteral[quasis.0.value.raw=/[A-Za-z]{2}/])";
const READ = [
  `CallExpression[callee.name="h"] > ${WORDS}.arguments:not(:nth-child(1))`,
  `CallExpression[callee.name=/^(say|whisper|dialog|confirm|askReason)$/] > ${WORDS}:nth-child(1)`,
  `Property[key.value=/^aria-(label|valuetext)$/] > ${WORDS}.value`,
  `Property[key.name=/^(alt|placeholder|title|text|group)$/] > ${WORDS}.value`,
  `AssignmentExpression[left.property.name=/^(textContent|title)$/] > ${WORDS}.right`,
];
const SIZES = {
  "max-len": ["error", { code: 120, ignoreUrls: true }],
  "max-lines": ["error", 400],
  "max-lines-per-function": ["error", 60],
};

export default [
  js.configs.recommended,
  {
    files: ["console/*.js", "tests/e2e/modules/*.js"],
    languageOptions: { ecmaVersion: 2024, sourceType: "module", globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      ...SIZES,
      complexity: ["error", 15],
      eqeqeq: "error",
      "no-implicit-coercion": "error",
      "no-shadow": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "no-var": "error",
      "prefer-const": "error",
    },
  },
  {
    files: ["console/*.js"],
    ignores: ["console/texts*.js"],
    rules: {
      "no-restricted-syntax": [
        "error",
        ...READ.map((selector) => ({ selector, message: "Texts that people read are in console/texts.js." })),
      ],
    },
  },
  { files: ["tests/e2e/modules/*.test.js"], rules: { "max-lines-per-function": "off" } },
];
