#!/usr/bin/env node
// Writes the addresses of the cpuid instructions of an x86-64 shared object: node find-cpuid.mjs LIBRARY LIST
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * @typedef {object} Section
 * @property {number} address in the object's own address space
 * @property {number} offset in the file
 * @property {number} size
 */

const EXECUTABLE = 0x4n;

/**
 * @param {Buffer} elf
 * @returns {{ code: Section[], unwindTable: Section | undefined }}
 * @throws {Error} if it is not a little-endian 64-bit ELF file
 */
function readSections(elf) {
  if (elf.readUInt32BE(0) !== 0x7f454c46 || elf[4] !== 2 || elf[5] !== 1)
    throw new Error('not an x86-64 ELF file');
  const table = Number(elf.readBigUInt64LE(0x28));
  const entrySize = elf.readUInt16LE(0x3a);
  const count = elf.readUInt16LE(0x3c);
  /** @param {number} index */
  const sectionAt = (index) => {
    const at = table + index * entrySize;
    return {
      name: elf.readUInt32LE(at),
      flags: elf.readBigUInt64LE(at + 8),
      address: Number(elf.readBigUInt64LE(at + 16)),
      offset: Number(elf.readBigUInt64LE(at + 24)),
      size: Number(elf.readBigUInt64LE(at + 32)),
    };
  };
  const names = sectionAt(elf.readUInt16LE(0x3e)).offset;
  const sections = Array.from({ length: count }, (_, index) => sectionAt(index));
  const nameOf = (/** @type {number} */ name) =>
    elf.toString('latin1', names + name, elf.indexOf(0, names + name));
  return {
    code: sections.filter(({ flags }) => (flags & EXECUTABLE) !== 0n),
    unwindTable: sections.find(({ name }) => nameOf(name) === '.eh_frame_hdr'),
  };
}

/**
 * Start addresses of the functions, from the sorted table that the unwinder searches.
 * @param {Buffer} elf
 * @param {Section | undefined} table
 * @returns {number[]} addresses, ascending
 */
function functionStarts(elf, table) {
  if (table === undefined) throw new Error('there is no .eh_frame_hdr');
  // Version 1; the number of entries as udata4; the entries as signed 32-bit offsets from the table itself.
  if (elf[table.offset] !== 1 || elf[table.offset + 2] !== 0x03 || elf[table.offset + 3] !== 0x3b)
    throw new Error('its .eh_frame_hdr has an unknown format');
  const count = elf.readUInt32LE(table.offset + 8);
  return Array.from(
    { length: count },
    (_, index) => table.address + elf.readInt32LE(table.offset + 12 + 8 * index),
  );
}

/**
 * @param {Buffer} elf
 * @param {Section} section
 * @returns {number[]} addresses of the byte sequence of cpuid, most of which is part of something else
 */
function candidates(elf, { address, offset, size }) {
  const found = [];
  const end = offset + size;
  for (
    let at = elf.indexOf('0fa2', offset, 'hex');
    at >= 0 && at < end;
    at = elf.indexOf('0fa2', at + 1, 'hex')
  )
    found.push(address + at - offset);
  return found;
}

/**
 * @param {readonly number[]} starts ascending
 * @param {number} address
 * @returns {[number, number] | undefined} first address of the function around it, and of the next function
 */
function functionAround(starts, address) {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? Infinity) <= address) low = middle + 1;
    else high = middle;
  }
  const start = starts[low - 1];
  return start === undefined ? undefined : [start, Math.max(starts[low] ?? 0, address + 2)];
}

/**
 * @param {string} file
 * @param {number} start
 * @param {number} stop
 * @returns {number[]} addresses of the cpuid instructions in between
 */
function disassemble(file, start, stop) {
  const result = spawnSync(
    'objdump',
    ['-d', '--no-show-raw-insn', `--start-address=${start}`, `--stop-address=${stop}`, file],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  if (result.status !== 0) throw new Error(`objdump: ${result.error?.message ?? result.stderr}`);
  return [...result.stdout.matchAll(/^\s*([0-9a-f]+):\s+cpuid\b/gm)].map(([, hex]) =>
    parseInt(hex ?? '', 16),
  );
}

const [library, list] = process.argv.slice(2);
if (library === undefined || list === undefined) {
  console.error('usage: node find-cpuid.mjs LIBRARY LIST');
  process.exitCode = 2;
} else {
  const elf = readFileSync(library);
  const { code, unwindTable } = readSections(elf);
  const starts = functionStarts(elf, unwindTable);
  /** @type {Map<number, number>} */
  const functions = new Map();
  for (const address of code.flatMap((section) => candidates(elf, section))) {
    const around = functionAround(starts, address);
    if (around !== undefined) functions.set(...around);
  }
  const found = [...functions].flatMap(([start, stop]) => disassemble(library, start, stop));
  // Concurrent processes must not read a partial file.
  const aside = `${list}.${process.pid}`;
  mkdirSync(path.dirname(list), { recursive: true });
  writeFileSync(aside, found.map((address) => `${address.toString(16)}\n`).join(''));
  renameSync(aside, list);
}
