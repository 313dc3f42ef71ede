/* The SITUATION frame of the terminal protocol: who is present, what one may do, whether it is recorded. */

/** @typedef {"owner" | "guest" | "administrator"} Role */
/** @typedef {{ name: string, role: Role, mayType: boolean, since: string, address: string | null }} Person */
/**
 * @typedef {object} Presence
 * @property {Role} role of this window
 * @property {string} name
 * @property {string} owner
 * @property {boolean} mayType
 * @property {boolean} [answers] whether this window replies to queries of programs
 * @property {boolean} recorded
 * @property {number} cols
 * @property {number} rows
 * @property {Person[]} people
 */

export const PRESENCE = 0x87;

/**
 * Read the payload of the frame.
 *
 * @param {Uint8Array} payload
 * @returns {Presence}
 */
export function decode(payload) {
  return JSON.parse(new TextDecoder().decode(payload));
}

/**
 * Return the people present, except the owner and oneself.
 *
 * @param {Presence} presence
 */
export function others({ name, role, people }) {
  return people.filter((person) => person.role !== "owner" && !(person.name === name && person.role === role));
}
