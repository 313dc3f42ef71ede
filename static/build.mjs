/* Bundles static/src into static/dist: `npm run build`, or `npm run watch` while working on it.
 *
 * An entry is a file that a page loads by name ({% static 'site.js' %}). Code that entries share is not split out,
 * because each page loads one or two of them and they are small. Of Tabler's CSS only what some page can use is
 * kept (`used_css.mjs`), and beside each text file lie its compressed forms (`compress.mjs`).
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { compress } from "./compress.mjs";
import { usedCss } from "./used_css.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src");
const target = join(here, "dist");
const ENTRIES = [
  "theme.js",
  "site.js",
  "site.css",
  "job_settings.js",
  "first_steps.js",
  "new_job.js",
  "launch.js",
  "job_list.js",
  "job_page.js",
  "terminal.js",
  "replay.js",
  "usage.js",
  "terminal.css",
];

const options = {
  // terminal.js brings its own terminal.css along; a separate terminal.css entry would collide with it.
  entryPoints: ENTRIES.map((name) => join(source, name)).filter(
    (path) => existsSync(path) && !(path.endsWith("terminal.css") && existsSync(join(source, "terminal.js"))),
  ),
  outdir: target,
  bundle: true,
  minify: true,
  sourcemap: process.argv.includes("--watch"),
  format: "iife",
  target: ["es2022", "chrome111", "firefox114", "safari16.4"],
  loader: { ".woff2": "file", ".woff": "empty" },
  assetNames: "fonts/[name]-[hash]",
  logLevel: "info",
  legalComments: "linked",
  plugins: [usedCss(dirname(here))],
};

if (process.argv.includes("--watch")) {
  const context = await esbuild.context(options);
  await context.watch();
} else {
  const { metafile } = await esbuild.build({ ...options, metafile: true });
  // Files of an older build are removed last, so that a running portal finds every file meanwhile.
  const made = new Set(Object.keys(metafile.outputs).map((path) => resolve(path)));
  for (const path of await compress(made, target)) made.add(path);
  // Icons are served from where they are; their compressed forms lie with the others.
  const images = readdirSync(join(here, "img")).map((name) => join(here, "img", name));
  for (const path of await compress(images, target)) made.add(path);
  for (const name of readdirSync(target, { recursive: true, withFileTypes: true })) {
    const path = join(name.parentPath ?? name.path, name.name);
    if (name.isFile() && !made.has(path) && !path.endsWith(".LEGAL.txt")) rmSync(path);
  }
}
