/* What `npm run lint` checks in the front end, its build script and its tests. */
import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["static/dist/", ".venv/", "var/", "staticfiles/"] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "array-callback-return": "error",
      "consistent-return": "error",
      curly: ["error", "multi-line"],
      "default-case-last": "error",
      eqeqeq: "error",
      "max-len": ["error", { code: 140, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true }],
      "no-alert": "error",
      "no-console": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-param-reassign": "error",
      "no-self-compare": "error",
      "no-shadow": "error",
      "no-throw-literal": "error",
      "no-unused-expressions": ["error", { allowShortCircuit: true }],
      "no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_", caughtErrors: "all" }],
      "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
      "require-await": "error",
    },
  },
  { files: ["static/src/**/*.js"], languageOptions: { globals: globals.browser } },
  {
    // Their subject is control characters.
    files: ["static/src/job_page/ansi.js", "static/src/terminal/modes.js", "static/src/terminal/paste_guard.js"],
    rules: { "no-control-regex": "off" },
  },
  { files: ["*.js", "static/*.mjs", "tests/static/**/*.js"], languageOptions: { globals: globals.node } },
  { files: ["tests/static/**/*.js"], languageOptions: { globals: globals.browser } }, // fakes.js puts them in place
];
