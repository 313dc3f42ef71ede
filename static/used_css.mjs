/* Of a library's CSS, the rules that a page of ours can use: two thirds of Tabler are for widgets we do not have. */
import { readFileSync, readdirSync } from "node:fs";
import { extname, join } from "node:path";
import { PurgeCSS } from "purgecss";

const LIBRARY = /@tabler[\\/]core[\\/].*\.css$/;
// Where a class may be named: templates and scripts; Python makes no HTML here.
const NAMED_IN = ["templates", "static/src"];
const KINDS = new Set([".html", ".js"]);

/** An esbuild plugin; `root` is the folder of the repository. */
export function usedCss(root) {
  return {
    name: "used-css",
    setup(build) {
      build.onLoad({ filter: LIBRARY }, async ({ path }) => {
        const css = readFileSync(path, "utf8");
        const [{ css: contents }] = await new PurgeCSS().purge({
          content: texts(root, KINDS),
          css: [{ raw: css }],
          variables: true,
          keyframes: true,
          safelist: { variables: variablesOf(root) },
        });
        return { contents, loader: "css", watchFiles: files(root, KINDS) };
      });
    },
  };
}

/** Our own CSS and scripts use the library's variables too. */
function variablesOf(root) {
  const own = texts(root, new Set([".css", ".js", ".html"])).map(({ raw }) => raw);
  return [...new Set(own.join("\n").match(/--tblr-[\w-]+/g) ?? [])];
}

function texts(root, kinds) {
  return files(root, kinds).map((path) => ({ raw: readFileSync(path, "utf8"), extension: extname(path).slice(1) }));
}

function files(root, kinds) {
  return NAMED_IN.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && kinds.has(extname(entry.name)))
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name)),
  );
}
