/* Compressed forms of built files, so that no request waits for the compressing. */
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const TEXT = /\.(js|css|svg)$/;
const SMALLEST = 1024; // below that a header costs what is saved

/** Write `.br` and `.gz` into `target` for each of `paths` that is text; return the paths of what was written. */
export async function compress(paths, target) {
  const made = [...paths].filter((path) => TEXT.test(path)).map(async (path) => {
    const plain = await readFile(path);
    if (plain.length < SMALLEST) return [];
    const inside = relative(target, path).startsWith("..") ? relative(dirname(path), path) : relative(target, path);
    const forms = [
      [".br", await promisify(brotliCompress)(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } })],
      [".gz", await promisify(gzip)(plain, { level: 9 })],
    ];
    return Promise.all(
      forms.map(async ([ending, bytes]) => {
        await writeFile(join(target, inside + ending), bytes);
        return join(target, inside + ending);
      }),
    );
  });
  return (await Promise.all(made)).flat();
}
