/* Programs send queries to their terminal: its type, the place of the cursor, its colours. The reply is sent as input.
 *
 * Output that is shown a second time, to a page that was loaded again or on another device, contains queries that got
 * their reply long ago. Another reply would be input of whatever runs now. And where several windows show one shell, a
 * program expects one reply.
 */

/** @type {import("@xterm/xterm").IFunctionIdentifier[]} */
const CSI = [
  { final: "c" }, { prefix: ">", final: "c" }, { prefix: "=", final: "c" },
  { final: "n" }, { prefix: "?", final: "n" },
  { intermediates: "$", final: "p" }, { prefix: "?", intermediates: "$", final: "p" },
  { prefix: ">", final: "q" }, { final: "t" },
];
const COLOURS = [4, 10, 11, 12];

/**
 * Ignore the queries in the output of `terminal` while `ignored()`.
 *
 * @param {import("@xterm/xterm").Terminal} terminal
 * @param {() => boolean} ignored
 */
export function ignoreQueries(terminal, ignored) {
  const { parser } = terminal;
  for (const id of CSI) parser.registerCsiHandler(id, () => ignored());
  for (const code of COLOURS) parser.registerOscHandler(code, (data) => ignored() && data.includes("?"));
  parser.registerDcsHandler({ intermediates: "$", final: "q" }, () => ignored());
}
