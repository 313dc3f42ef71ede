/* Parts and words of sharing, from <template id="sharing-kit"> (templates/sshgateway/parts/sharing_kit.html). */
import { kitOf } from "../kit.js";

export const { part, word } = kitOf("sharing-kit");
