/** Runs a gate for a test: a command per line comes in, its answer goes out. The token comes as the QR code's text. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Gate } from './gate.js';
import { Journal } from './journal.js';

const shown = JSON.parse(process.env.QR);
const journal = new Journal(process.env.JOURNAL);
const { publicKey } = generateKeyPairSync('ed25519');
const self = {
  token: shown.token,
  hardware: 'js-gate',
  firmware: '5.0.1',
  publicKey: publicKey.export({ format: 'jwk' }).x,
  nonce: randomBytes(16).toString('base64url'),
};

async function enrol() {
  const answer = await fetch(`${shown.url}/api/devices/enrol`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(self),
  });
  return { status: answer.status, body: await answer.json() };
}

const first = await enrol();
if (first.status !== 201) throw new Error(JSON.stringify(first));
const gate = new Gate(first.body, journal);

const commands = {
  account: () => gate.account,
  enrol,
  connect: async () => {
    await gate.connect();
    return { session: gate.session };
  },
  state: () => ({
    connected: gate.connected ?? false,
    order: gate.order,
    seq: journal.seq,
    acknowledged: journal.acknowledged,
    kept: journal.kept.size,
    epoch: journal.epoch,
    heard: gate.heard.map(({ leg }) => leg),
  }),
  scan: ({ token, direction }) => gate.scan(token, direction),
  report: ({ kind, members, lost }) => gate.report(kind, members, { lost }),
  alarm: async ({ kind, on }) => {
    await gate.alarm(kind, on);
    return {};
  },
  junk: async ({ leg, said }) => {
    await gate.say(leg, said);
    return {};
  },
  obey: async ({ order }) => {
    await gate.ordered(order);
    return gate.order;
  },
  heard: ({ leg }) => gate.heard.filter((one) => one.leg === leg),
  cut: () => gate.cut() ?? {},
  leave: async () => {
    await gate.leave();
    return {};
  },
};

process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  try {
    process.stdout.write(`${JSON.stringify({ answer: await commands[asked.do](asked) })}\n`);
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: String(error) })}\n`);
  }
}
process.exit(0);
