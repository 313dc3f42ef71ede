/* Where a terminal's websocket is. */

/** The path is the API's; the host is ours: a proxy may have told the portal another name than the page has. */
export function socketAddress(url) {
  const { pathname, search } = new URL(url, window.location.href);
  const scheme = window.location.protocol === "https:" ? "wss:" : "ws:";
  return `${scheme}//${window.location.host}${pathname}${search}`;
}
