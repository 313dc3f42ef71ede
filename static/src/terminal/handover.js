/* Moves a shell to another window together with what its terminal shows, over a channel that only pages of this browser
 * and this portal receive. Nothing of it is stored. */

/** @typedef {{ session: string, from: string, name?: string }} Asked */
/** @typedef {{ offset: number, text: string, cols: number, rows: number }} State */

const CHANNEL = "headnode-terminals";
const RESPONSE_MILLISECONDS = 1500;

/** The id of this page, for the page that opens from it. */
export const windowId = crypto.randomUUID?.() ?? String(Math.random());

/**
 * Return the fragment of an address that names the shell and the window it comes from.
 *
 * @param {string} session
 * @param {string} name
 */
export function handoverHash(session, name) {
  return `#${new URLSearchParams({ session, from: windowId, name })}`;
}

/**
 * Read that fragment from this page's address, and remove it there. Return null if there is none.
 *
 * @returns {Asked | null}
 */
export function takeHash() {
  const { session, from, name } = Object.fromEntries(new URLSearchParams(window.location.hash.slice(1)));
  if (!session || !from) return null;
  history.replaceState(history.state, "", window.location.pathname + window.location.search);
  return { session, from, name };
}

/**
 * Give shells to windows that ask for them.
 *
 * @param {(session: string) => Promise<State | null>} release lets go of a shell; null: it is not here
 */
export function giveAway(release) {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = async ({ data }) => {
    if (data.from !== windowId || !data.wanted) return;
    const state = await release(data.wanted);
    if (state) channel.postMessage({ given: data.wanted, state });
  };
  return () => channel.close();
}

/**
 * Ask the window `from` for a shell. Resolve to its state, or to null if the window does not respond.
 *
 * @param {string} session
 * @param {string} from
 * @returns {Promise<State | null>}
 */
export function askFor(session, from) {
  const channel = new BroadcastChannel(CHANNEL);
  return new Promise((resolve) => {
    /** @param {State | null} state */
    const finish = (state) => {
      channel.close();
      resolve(state);
    };
    channel.onmessage = ({ data }) => data.given === session && finish(data.state);
    channel.postMessage({ wanted: session, from });
    setTimeout(() => finish(null), RESPONSE_MILLISECONDS);
  });
}
