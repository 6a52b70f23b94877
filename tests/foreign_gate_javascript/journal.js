/** The journal of a gate: a line per event, on disk before anybody hears of it, kept until the server has it. */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { GENESIS, sealed } from './chain.js';

export class Journal {
  constructor(file) {
    this.epoch = randomBytes(8).toString('hex');
    this.seq = 0;
    this.acknowledged = 0;
    this.kept = new Map();
    this.previous = GENESIS;
    this.file = openSync(file, 'a');
  }

  /** Writes the next event down and returns it. */
  write(kind, members = {}) {
    this.seq += 1;
    const event = sealed(
      { e: this.epoch, s: this.seq, t: Date.now(), tq: 'ok', k: kind, src: 'online', ...members },
      this.previous,
    );
    writeSync(this.file, `${JSON.stringify(event)}\n`);
    fsyncSync(this.file);
    this.previous = event.h;
    this.kept.set(event.s, event);
    return event;
  }

  /** Forgets what the server says it has. */
  forget(upTo) {
    this.acknowledged = Math.max(this.acknowledged, upTo);
    for (const seq of this.kept.keys()) if (seq <= upTo) this.kept.delete(seq);
  }

  /** Returns the events of these ranges, both ends included. */
  range(ranges) {
    return [...this.kept.values()].filter(({ s }) => ranges.some(([low, high]) => low <= s && s <= high));
  }

  /** Returns the first and the last event that is kept. */
  bounds() {
    const seqs = [...this.kept.keys()];
    return seqs.length ? { lo: seqs[0], hi: seqs.at(-1) } : { lo: 0, hi: 0 };
  }

  close() {
    closeSync(this.file);
  }
}
