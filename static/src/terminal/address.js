/* The address of a terminal's websocket. */

/**
 * Return the websocket address for `url`, which the API gave: its path, on the host of this page. A proxy may have told
 * the portal another host name than the page has.
 *
 * @param {string} url
 */
export function socketAddress(url) {
  const { pathname, search } = new URL(url, window.location.href);
  const scheme = window.location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${window.location.host}${pathname}${search}`;
}
