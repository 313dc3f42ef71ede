/* How long ago, in a person's words. */
const UNITS = [["day", 86_400], ["hour", 3600], ["minute", 60]];

/** "12 minutes ago" for an ISO time. */
export function since(iso) {
  const seconds = Math.max(0, (Date.now() - Date.parse(iso)) / 1000);
  const [unit, length] = UNITS.find(([, length]) => seconds >= length) ?? ["second", 1];
  const words = new Intl.RelativeTimeFormat(document.documentElement.lang || undefined, { numeric: "auto" });
  return words.format(-Math.round(seconds / length), unit);
}
