/* Private keys: recognised before they are sent, and written in OpenSSH's form. */
import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { openSshFiles } from "../../static/src/job_settings/openssh_key.js";
import { isPrivateKey } from "../../static/src/private_key.js";

const PUBLIC_LINE = /^ssh-ed25519 ([A-Za-z0-9+/=]+) (.*)$/;

async function makeKey(comment = "bob@portal") {
  const { privateKey } = await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"]);
  const jwk = await crypto.subtle.exportKey("jwk", privateKey);
  return { jwk, ...openSshFiles(jwk, comment) };
}

/** Reads length-prefixed strings (RFC 4251) from a buffer. */
function reader(buffer) {
  let at = 0;
  const take = (length) => buffer.subarray(at, (at += length));
  const number = () => take(4).readUInt32BE();
  return { take, number, string: () => take(number()), rest: () => buffer.subarray(at) };
}

const body = (pem) => Buffer.from(pem.split("\n").slice(1, -2).join(""), "base64");

test("the public line is the public key, as SSH writes it", async () => {
  const { jwk, publicLine } = await makeKey();
  const [, blob, comment] = PUBLIC_LINE.exec(publicLine);
  const read = reader(Buffer.from(blob, "base64"));
  assert.equal(String(read.string()), "ssh-ed25519");
  assert.equal(read.string().toString("base64url"), jwk.x);
  assert.equal(read.rest().length, 0);
  assert.equal(comment, "bob@portal");
});

test("the private file is openssh-key-v1 without a passphrase", async () => {
  const { jwk, publicLine, privateFile } = await makeKey("Größe");
  const read = reader(body(privateFile));
  assert.equal(String(read.take(15)), "openssh-key-v1\0");
  assert.deepEqual([String(read.string()), String(read.string()), String(read.string())], ["none", "none", ""]);
  assert.equal(read.number(), 1);
  assert.equal(read.string().toString("base64"), PUBLIC_LINE.exec(publicLine)[1]);
  const block = read.string();
  assert.equal(read.rest().length, 0);
  assert.equal(block.length % 8, 0);
  const secret = reader(block);
  assert.equal(secret.number(), secret.number(), "both check numbers");
  assert.equal(String(secret.string()), "ssh-ed25519");
  assert.equal(secret.string().toString("base64url"), jwk.x);
  const pair = secret.string();
  assert.equal(pair.subarray(0, 32).toString("base64url"), jwk.d);
  assert.equal(pair.subarray(32).toString("base64url"), jwk.x);
  assert.equal(String(secret.string()), "Größe");
  assert.deepEqual([...secret.rest()], [1, 2, 3, 4, 5, 6, 7].slice(0, secret.rest().length));
});

test("the file has OpenSSH's frame and lines of seventy characters", async () => {
  const { privateFile } = await makeKey();
  const lines = privateFile.split("\n");
  assert.equal(lines[0], "-----BEGIN OPENSSH PRIVATE KEY-----");
  assert.deepEqual(lines.slice(-2), ["-----END OPENSSH PRIVATE KEY-----", ""]);
  const inner = lines.slice(1, -2);
  assert.ok(inner.slice(0, -1).every(({ length }) => length === 70));
  assert.ok(inner.at(-1).length <= 70);
});

test("the padding fits for every length of the comment", async () => {
  for (let length = 0; length < 9; length += 1) {
    const { privateFile } = await makeKey("x".repeat(length));
    const read = reader(body(privateFile));
    read.take(15);
    for (let index = 0; index < 3; index += 1) read.string();
    read.number();
    read.string();
    assert.equal(read.string().length % 8, 0);
  }
});

test("two files of one key differ only in the check number", async () => {
  const { jwk, privateFile, publicLine } = await makeKey();
  const again = openSshFiles(jwk, "bob@portal");
  assert.equal(again.publicLine, publicLine);
  assert.notEqual(again.privateFile, privateFile);
});

test("what we make is recognised as private, also without its first and last line", async () => {
  const { privateFile } = await makeKey();
  assert.equal(isPrivateKey(privateFile), true);
  assert.equal(isPrivateKey(privateFile.split("\n").slice(1, -2).join("\n")), true);
});

test("private keys of other forms are recognised, with and without their frame", () => {
  const pairs = [
    generateKeyPairSync("ed25519"), generateKeyPairSync("ec", { namedCurve: "P-256" }), generateKeyPairSync("rsa", { modulusLength: 1024 }),
  ];
  for (const { privateKey } of pairs) {
    const pem = privateKey.export({ type: "pkcs8", format: "pem" });
    assert.equal(isPrivateKey(pem), true);
    assert.equal(isPrivateKey(pem.split("\n").slice(1, -2).join("\n")), true);
    assert.equal(isPrivateKey(JSON.stringify(privateKey.export({ format: "jwk" }))), true);
  }
  const rsa = pairs[2].privateKey.export({ type: "pkcs1", format: "der" }).toString("base64");
  assert.equal(isPrivateKey(rsa), true);
});

test("PuTTY, age and text of two bytes a letter are recognised", () => {
  assert.equal(isPrivateKey("PuTTY-User-Key-File-3: ssh-ed25519"), true);
  assert.equal(isPrivateKey("x\n Private-MAC: 00ff"), true);
  assert.equal(isPrivateKey("AGE-SECRET-KEY-1QQQQ"), true);
  assert.equal(isPrivateKey([..."-----BEGIN PRIVATE KEY-----"].join("\0")), true);
});

test("public keys are not", async () => {
  const { publicLine, jwk } = await makeKey();
  assert.equal(isPrivateKey(publicLine), false);
  const { d: _d, key_ops: _ops, ...rest } = jwk;
  assert.equal(isPrivateKey(JSON.stringify(rest)), false);
  const pem = createPublicKey({ key: rest, format: "jwk" }).export({ type: "spki", format: "pem" });
  assert.equal(isPrivateKey(pem), false);
  assert.equal(isPrivateKey(pem.split("\n")[1]), false);
  for (const text of ["", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 me@here", "a private matter", "MIIB"]) assert.equal(isPrivateKey(text), false, text);
});

test("a long comment has its length in two bytes", async () => {
  const { privateFile } = await makeKey("x".repeat(70_000));
  const read = reader(body(privateFile));
  read.take(15 + 4 + 4 + 4 + 4 + 4 + 4);
  read.string();
  const secret = reader(read.string());
  secret.take(8);
  for (let index = 0; index < 3; index += 1) secret.string();
  assert.equal(secret.string().length, 70_000);
});
