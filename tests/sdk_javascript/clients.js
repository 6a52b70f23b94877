// Unmodified clients of the `centrifuge` package, in the codec that CODEC names, and what they have told.

import { createHmac, randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import WebSocket from 'ws';

const { HUB, API_KEY, SECRET, CODEC } = process.env;
const { Centrifuge } = await import(CODEC === 'protobuf' ? 'centrifuge/build/protobuf' : 'centrifuge');

const PATIENCE_MS = 10_000;

/** Sign a connection token, or with `channel` one for a subscription; `exp` is in seconds from now. */
export function token(user, { exp, secret = SECRET, ...claims } = {}) {
  const expiry = exp === undefined ? {} : { exp: Date.now() / 1000 + exp };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: user, ...expiry, ...claims })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** Name a channel or a user that no other test uses. */
export const unique = (namespace) => (namespace ? `${namespace}:` : '') + randomBytes(6).toString('hex');

/** Ask the server API as a back end does. */
export async function api(method, request) {
  const headers = { 'X-API-Key': API_KEY, 'Content-Type': 'application/json' };
  const answer = await fetch(`${HUB}/api/${method}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(request),
  });
  const { result, error } = await answer.json();
  if (error) throw new Error(`${method}: ${error.code} ${error.message}`);
  return result;
}

/** Publish as a back end, one after the other. */
export async function publish(channel, ...payloads) {
  for (const data of payloads) await api('publish', { channel, data });
}

/** A payload as the client takes it, and as it is meant. */
export const written = (data) =>
  CODEC === 'protobuf' ? new TextEncoder().encode(JSON.stringify(data)) : data;
export const read = (data) =>
  data instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(data)) : data;

/** Waits until `check` is true, without a sleep of guessed length. */
export async function eventually(check) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`still not: ${check}`);
    await pause(5);
  }
}

/** Writes down what a client or a subscription tells. */
export class Diary {
  constructor(emitter) {
    this.entries = [];
    for (const event of [
      'connecting',
      'connected',
      'disconnected',
      'subscribing',
      'subscribed',
      'unsubscribed',
      'publication',
      'join',
      'leave',
      'message',
      'error',
    ]) {
      emitter.on(event, (context) => this.entries.push([event, context]));
    }
  }

  of(event) {
    return this.entries.filter(([name]) => name === event).map(([, context]) => context);
  }

  /** Wait for the event to happen for the n-th time, and return its context. */
  async next(event, number = 1) {
    try {
      await eventually(() => this.of(event).length >= number);
    } catch {
      throw new Error(`no ${event} ${number} among ${JSON.stringify(this.entries)}`);
    }
    return this.of(event)[number - 1];
  }

  /** The payloads read so far. */
  get data() {
    return this.of('publication').map((context) => read(context.data));
  }
}

/** Make a client that has not connected yet; it disconnects when the test is over. */
export function client(test, { user = unique(), ...options } = {}) {
  const socket = HUB.replace('http', 'ws') + '/connection/websocket';
  const made = new Centrifuge(socket, {
    websocket: WebSocket,
    token: token(user),
    minReconnectDelay: 50,
    ...options,
  });
  test.after(() => made.disconnect());
  return [made, new Diary(made)];
}

/** Connect somebody until the test is over. */
export async function connected(test, options) {
  const [made, diary] = client(test, options);
  made.connect();
  await diary.next('connected');
  return [made, diary];
}

/** Subscribe and wait until it stands. */
export async function follow(made, channel, options) {
  const subscription = made.newSubscription(channel, options);
  const diary = new Diary(subscription);
  subscription.subscribe();
  await diary.next('subscribed');
  return [subscription, diary];
}

/** Let the client be away while `meanwhile` runs. */
export async function away(made, meanwhile) {
  made.disconnect();
  await meanwhile();
  made.connect();
}
