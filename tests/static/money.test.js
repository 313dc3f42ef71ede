/* Amounts as text: as the server writes them. */
import assert from "node:assert/strict";
import test from "node:test";
import { exactMoney, money } from "../../static/src/money.js";

test("an amount has two decimal places, and less than a cent the page's words", () => {
  const shown = [0, 0.000833, 0.0099, 0.01, 0.266667, 12.3].map((amount) => money(amount, "USD", "under USD 0.01"));
  assert.deepEqual(shown, ["USD 0.00", "under USD 0.01", "under USD 0.01", "USD 0.01", "USD 0.27", "USD 12.30"]);
});

test("the exact amount has every digit", () => {
  assert.equal(exactMoney(0.000833, "USD"), "USD 0.000833");
});
