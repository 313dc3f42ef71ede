/* A shell that moves to another window takes along what its terminal shows: asked for and given over a channel that
 * only pages of this browser and this portal hear. Nothing of it is stored. */

const CHANNEL = "headnode-terminals";
const ANSWER_MILLISECONDS = 1500;

/** This page, for the page that opens from it. */
export const windowId = crypto.randomUUID?.() ?? String(Math.random());

/** The address part that says which shell comes from which window. */
export function handoverHash(session, name) {
  return `#${new URLSearchParams({ session, from: windowId, name })}`;
}

/** Read and remove that part of our own address: {session, from, name}, or null. */
export function takeHash() {
  const asked = Object.fromEntries(new URLSearchParams(window.location.hash.slice(1)));
  if (!asked.session || !asked.from) return null;
  history.replaceState(history.state, "", window.location.pathname + window.location.search);
  return asked;
}

/** Give shells away: `release(session)` lets one go and resolves to its state, or to null if it is not here. */
export function giveAway(release) {
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = async ({ data }) => {
    if (data.from !== windowId || !data.wanted) return;
    const state = await release(data.wanted);
    if (state) channel.postMessage({ given: data.wanted, state });
  };
  return () => channel.close();
}

/** Ask the window `from` for a shell. Resolves to {offset, text, cols, rows, name}, or to null if it does not answer. */
export function askFor(session, from) {
  const channel = new BroadcastChannel(CHANNEL);
  return new Promise((resolve) => {
    const finish = (state) => {
      channel.close();
      resolve(state);
    };
    channel.onmessage = ({ data }) => data.given === session && finish(data.state);
    channel.postMessage({ wanted: session, from });
    setTimeout(() => finish(null), ANSWER_MILLISECONDS);
  });
}
