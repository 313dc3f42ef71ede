/* What a terminal says by itself when a program asks it something: who are you, where is the cursor, which colours?
 *
 * Programs expect one answer. The owner's window gives it; those of guests keep quiet.
 */
const ESC = "\\x1b";
const ANSWER = new RegExp(
  `^(?:${ESC}\\[[?>=]?[\\d;]*(?:[cnR]|\\$y)|${ESC}\\][\\d;]*;(?:rgb:|\\?)[^\\x07${ESC}]*(?:\\x07|${ESC}\\\\)|${ESC}P[\\s\\S]*${ESC}\\\\|${ESC}\\[[IO])+$`,
);

/** Whether `text` is such an answer and nothing that somebody typed. */
export function isAnswer(text) {
  return ANSWER.test(text);
}
