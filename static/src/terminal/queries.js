/* Programs ask their terminal things: what are you, where is the cursor, which colours? It answers as if it typed.
 *
 * Output that is shown a second time, to a page that was loaded again or to another device, holds questions that were
 * answered long ago. An answer now would be typed into whatever runs by now. And where several windows show one shell, a
 * program that asks once expects one answer.
 */
const CSI = [
  { final: "c" }, { prefix: ">", final: "c" }, { prefix: "=", final: "c" },
  { final: "n" }, { prefix: "?", final: "n" },
  { intermediates: "$", final: "p" }, { prefix: "?", intermediates: "$", final: "p" },
  { prefix: ">", final: "q" }, { final: "t" },
];
const COLOURS = [4, 10, 11, 12];

/** Have the questions in the output of `terminal` passed over while `pass()`. */
export function passOverQuestions(terminal, pass) {
  const { parser } = terminal;
  for (const id of CSI) parser.registerCsiHandler(id, () => pass());
  for (const code of COLOURS) parser.registerOscHandler(code, (data) => pass() && data.includes("?"));
  parser.registerDcsHandler({ intermediates: "$", final: "q" }, () => pass());
}
