/* Parts and words of sharing, from <template id="sharing-kit"> (sshgateway/sharing_kit.html). */
import { kitOf } from "../kit.js";

/** A fresh copy of the part of that name; the sentence of that name, with `{placeholders}` filled in. */
export const { part, word } = kitOf("sharing-kit");
