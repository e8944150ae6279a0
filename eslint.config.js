import { readdirSync } from "node:fs";
import { join } from "node:path";
import tseslint from "typescript-eslint";

/**
 * The rooms of src/ and what each may import: itself and the rooms named here. `main.ts` may import everything.
 * A room not named on the right is out of bounds, so an arrow drawn the wrong way fails the lint.
 */
const rooms = {
  api: ["errors"],
  errors: [],
  telemetry: ["errors"],
  filter: ["api", "errors", "telemetry"],
  kube: ["api", "errors", "telemetry"],
  providers: ["api", "errors", "telemetry", "filter", "kube"],
  webhook: ["api", "errors", "telemetry", "filter", "kube", "providers", "config"],
  controller: ["api", "errors", "telemetry", "filter", "kube", "providers", "config"],
  cli: ["api", "errors", "telemetry", "filter", "kube", "providers", "config", "webhook", "controller"],
  generate: ["api", "errors", "telemetry", "filter", "kube", "providers", "config"],
};

/** Packages that only one place may import. */
const seams = [
  { packages: "@kubernetes/client-node", owner: "kube" },
  { packages: "re2js", owner: "filter" },
  { packages: "@octokit/.*", owner: "providers/github" },
  { packages: "@slack/.*", owner: "providers/slack" },
  { packages: "@aws-sdk/.*", owner: "providers/sns" },
  { packages: "@google-cloud/.*|google-auth-library", owner: "providers/pubsub" },
  { packages: "cloudevents", owner: "providers/cloudevents" },
];

/** A folder each. */
const providers = readdirSync(join(import.meta.dirname, "src/providers"), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);

function boundary(folder, room, files) {
  const forbidden = [...Object.keys(rooms), "config"].filter((other) => other !== room && !rooms[room].includes(other));
  const packages = seams.filter((seam) => !folder.startsWith(seam.owner)).map((seam) => seam.packages);
  return {
    files,
    rules: {
      "no-restricted-imports": ["error", {
        patterns: [
          ...forbidden.map((other) => ({
            regex: `^(?:\\.\\./)+${other}(?:/.*|\\.ts)$`,
            message: `src/${room} may not import src/${other} (the dependency rule in CONTRIBUTING.md).`,
          })),
          { regex: `^(?:${packages.join("|")})(?:/.*)?$`, message: "This package is behind one seam; see CONTRIBUTING.md." },
        ],
      }],
    },
  };
}

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "schemas/", "crds/", "coverage/"] },
  ...tseslint.configs.strictTypeChecked.map((config) => ({ ...config, files: ["**/*.ts"] })),
  {
    files: ["**/*.ts"],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      complexity: ["error", 15],
      "max-depth": ["error", 4],
      "max-params": ["error", 5],
      "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
    },
  },
  {
    files: ["src/**/*.ts"],
    ignores: ["src/config.ts"],
    rules: {
      "no-restricted-properties": ["error", { object: "process", property: "env", message: "Only src/config.ts reads the environment." }],
    },
  },
  ...Object.keys(rooms).map((room) => boundary(room, room, [`src/${room}/**/*.ts`, `src/${room}.ts`])),
  ...providers.map((name) => boundary(`providers/${name}`, "providers", [`src/providers/${name}/**/*.ts`])),
  {
    files: ["test/**/*.ts"],
    rules: {
      // node:test returns promises that the runner itself awaits.
      "@typescript-eslint/no-floating-promises": ["error", { allowForKnownSafeCalls: [{ from: "package", package: "node:test", name: ["test", "it", "describe", "suite", "before", "after", "beforeEach", "afterEach"] }] }],
      complexity: "off",
      "max-params": "off",
    },
  },
);
