/* Which key file this browser's user logs in with, and ssh commands that name it. Pure, but for `keyFile` and
 * `rememberKeyFile`: the path stays in this browser. */
import { isPrivateKey, isPublicKey } from "./private_key.js";

const PLACE = "headnode:key-file";
// Needs no quotes in bash, zsh, fish, cmd or PowerShell; `~` at the start is ssh's own to expand.
const PLAIN = /^[A-Za-z0-9_./~:@+-]+$/;
// Special inside double quotes in one of these shells.
const SPECIAL = /["$`%!\p{Cc}\u201c-\u201e]/u;

/** Return the remembered path: "" if ssh finds the key by itself, null if the user was not asked yet. */
export function keyFile() {
  try {
    return localStorage.getItem(PLACE);
  } catch {
    return null;
  }
}

/** @param {string} path */
export function rememberKeyFile(path) {
  try {
    localStorage.setItem(PLACE, path);
  } catch {
    // Storage is switched off in this browser: the user is asked again.
  }
}

/**
 * Return a path as ssh takes it, or the name of the sentence that says what is wrong with it.
 *
 * @param {string} typed
 * @returns {{ path: string, problem: "" | "key" | "ppk" | "characters" }}
 */
export function readPath(typed) {
  const text = typed.trim().replace(/^"(.*)"$/, "$1");
  if (isPrivateKey(text) || isPublicKey(text)) return { path: "", problem: "key" };
  if (/\.ppk$/i.test(text)) return { path: "", problem: "ppk" };
  if (text.startsWith("-") || SPECIAL.test(text)) return { path: "", problem: "characters" };
  // The public half names the private one; Windows takes both slashes, the other shells only this one.
  return { path: text.replaceAll("\\", "/").replace(/\.pub$/, ""), problem: "" };
}

/** @param {string} path */
const quoted = (path) => (PLAIN.test(path) ? path : `"${path}"`);

/**
 * Return the command with the key file in it: `-i`, or IdentityFile in a block of an ssh configuration. Commands that
 * jump through the head node stay as they are, because ssh does not use -i for the jump; so do PuTTY's.
 *
 * @param {string} command
 * @param {string | null} path
 */
export function withKeyFile(command, path) {
  if (!path) return command;
  if (/^Host /.test(command)) return command.replaceAll(/^( +User .*)$/gm, `$1\n  IdentityFile ${quoted(path)}`);
  if (/ -J |ProxyCommand/.test(command)) return command;
  if (/^(ssh|sftp|scp) /.test(command)) return command.replace(/^\w+/, `$& -i ${quoted(path)}`);
  // rsync splits the text of -e at spaces, and its quotes are taken already.
  if (!/^rsync /.test(command) || !PLAIN.test(path)) return command;
  return command.replace(/ -e (?:"ssh( [^"]*)"|ssh)(?= )/, (_all, options = "") => ` -e "ssh -i ${path}${options}"`);
}
