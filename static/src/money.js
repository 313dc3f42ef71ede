/* Money as text. Pure. */

/**
 * Return an amount as text: 12.3 -> "USD 12.30"; less than a cent with the digits that show it. The server writes
 * amounts the same way.
 *
 * @param {number} amount
 * @param {string} currency
 */
export function money(amount, currency) {
  if (amount <= 0 || amount >= 0.01) return `${currency} ${amount.toFixed(2)}`;
  const shown = Math.max(amount, 0.000001).toFixed(6).replace(/0+$/, "");
  return `${currency} ${shown}`;
}
