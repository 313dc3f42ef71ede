/* Money as text. Pure. */

/**
 * Return an amount with all its digits: 0.000833 -> "USD 0.000833".
 *
 * @param {number} amount
 * @param {string} currency
 */
export const exactMoney = (amount, currency) => `${currency} ${amount.toFixed(6)}`;

/**
 * Return an amount as text: 12.3 -> "USD 12.30"; for less than a cent, the words that the page has for it. The server
 * writes amounts the same way.
 *
 * @param {number} amount
 * @param {string} currency
 * @param {string} under
 */
export function money(amount, currency, under) {
  return amount > 0 && amount < 0.01 ? under : `${currency} ${amount.toFixed(2)}`;
}
