/* Which key file an ssh command names. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readPath, withKeyFile } from "../../static/src/key_file.js";

test("a path is taken as ssh takes it in every shell", () => {
  for (const [typed, path] of [
    ["~/.ssh/id_ed25519", "~/.ssh/id_ed25519"],
    ["  ~/.ssh/id_ed25519.pub ", "~/.ssh/id_ed25519"],
    ["C:\\Users\\ada\\.ssh\\id", "C:/Users/ada/.ssh/id"],
    ['"C:\\My Keys\\id"', "C:/My Keys/id"],
    ["~/clés/wing", "~/clés/wing"],
    ["", ""],
  ])
    {assert.deepEqual(readPath(typed), { path, problem: "" });}
});

test("what is no path has a reason", () => {
  for (const [typed, problem] of [
    ["-----BEGIN RSA PRIVATE KEY-----", "key"],
    ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0", "key"],
    ["key.PPK", "ppk"],
    ['a"b', "characters"],
    ["$(id)", "characters"],
    ["`id`", "characters"],
    ["%USERPROFILE%/key", "characters"],
    ["hot!", "characters"],
    ["a\nb", "characters"],
    ["-v", "characters"],
  ])
    {assert.deepEqual(readPath(typed), { path: "", problem });}
});

test("each kind of command names it in its own way", () => {
  for (const [command, wanted] of [
    ["ssh -p 32100 u@h", "ssh -i ~/k -p 32100 u@h"],
    ["sftp -P 32100 u@h", "sftp -i ~/k -P 32100 u@h"],
    ["scp -O input.dat u@h:", "scp -i ~/k -O input.dat u@h:"],
    ['rsync -av -e "ssh -p 32100" folder u@h:', 'rsync -av -e "ssh -i ~/k -p 32100" folder u@h:'],
    ["rsync -av -e ssh folder u@h:", 'rsync -av -e "ssh -i ~/k" folder u@h:'],
    ["Host a\n  User u\n  Port 22\n\nHost b\n  User u", "Host a\n  User u\n  IdentityFile ~/k\n  Port 22\n\nHost b\n  User u\n  IdentityFile ~/k"],
    ["ssh -o HostKeyAlias=x -J u@h:1 u@compute-1", "ssh -o HostKeyAlias=x -J u@h:1 u@compute-1"],
    ["plink -ssh -i key.ppk u@h", "plink -ssh -i key.ppk u@h"],
    ["code --remote ssh-remote+a /home", "code --remote ssh-remote+a /home"],
  ])
    {assert.equal(withKeyFile(command, "~/k"), wanted);}
});

test("a path with a space is quoted, and left out where it cannot be", () => {
  assert.equal(withKeyFile("ssh u@h", "C:/My Keys/k"), 'ssh -i "C:/My Keys/k" u@h');
  assert.equal(withKeyFile("rsync -e ssh a u@h:", "C:/My Keys/k"), "rsync -e ssh a u@h:");
  assert.equal(withKeyFile("ssh u@h", ""), "ssh u@h");
  assert.equal(withKeyFile("ssh u@h", null), "ssh u@h");
});
