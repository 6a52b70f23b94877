/** A gate of another maker, after docs/devices.md: MQTT 5 by MQTT.js. */
import { randomBytes } from 'node:crypto';
import mqtt from 'mqtt';
import { isSigned } from './chain.js';

const WAITS_MS = 10_000;
const BATCH = 200;
const WILL_DELAY_S = 5;

export class Gate {
  constructor(account, journal) {
    this.account = account;
    this.journal = journal;
    this.root = account.topicRoot;
    this.session = 0;
    this.order = { mode: 'normal', rev: 0 };
    this.lastCommand = 0;
    this.heard = [];
    this.asked = new Map();
    this.conditions = new Map();
  }

  /** Signs in with a will that waits, follows what the server says, and is born. */
  async connect() {
    this.session += 1;
    const death = JSON.stringify({ s: 'offline', e: this.journal.epoch, b: this.session });
    this.client = await mqtt.connectAsync(this.account.mqttUrl, {
      protocolVersion: 5,
      clean: true,
      clientId: this.account.username,
      username: this.account.username,
      password: this.account.password,
      keepalive: 15,
      reconnectPeriod: 0,
      // a session that lasts a little longer than the will waits, since the will comes with its end at the latest
      properties: { sessionExpiryInterval: 2 * WILL_DELAY_S },
      will: {
        topic: `${this.root}/up/state`,
        payload: death,
        qos: 1,
        retain: true,
        properties: { willDelayInterval: WILL_DELAY_S },
      },
    });
    this.client.stream.setNoDelay?.(true);
    this.connected = true;
    this.client.on('close', () => (this.connected = false));
    this.client.on('error', () => {});
    this.client.on('message', (topic, payload, packet) => this.hear(topic, payload, packet));
    const granted = await this.client.subscribeAsync(`${this.root}/dn/#`, { qos: 1 });
    if (granted.some(({ qos }) => qos >= 0x80)) throw new Error('the subscription was refused');
    await this.say('up/state', this.birth(), { retain: true });
    await this.beat();
    await this.upload(this.journal.range([[1, this.journal.seq]]));
  }

  birth() {
    const order = { mode: this.order.mode };
    return {
      s: 'online',
      e: this.journal.epoch,
      b: this.session,
      j: this.journal.bounds(),
      clk: Date.now(),
      fw: '5.0.1',
      hw: 'js-gate',
      caps: ['qr'],
      dir: ['in', 'out'],
      tz: 'Europe/Moscow',
      ...order,
    };
  }

  async beat() {
    const { epoch: e, seq: hi, acknowledged: ak, kept } = this.journal;
    const rep = { mode: this.order.mode, rev: this.order.rev };
    const how = { up: Math.round(process.uptime()), rssi: -61, temp: 38.5, batt: 97, psu: 'mains', off: 0 };
    await this.say('up/hb', { e, b: this.session, hi, ak, q: kept.size, ...how, rep }, { qos: 0 });
  }

  async say(leg, said, { qos = 1, retain = false, properties = undefined } = {}) {
    await this.client.publishAsync(`${this.root}/${leg}`, JSON.stringify(said), { qos, retain, properties });
  }

  hear(topic, payload, packet) {
    const leg = topic.slice(this.root.length + 1);
    const said = JSON.parse(payload.toString());
    this.heard.push({ leg, said, retained: packet.retain });
    const answers = {
      'dn/dec': () => this.decided(said, packet),
      'dn/ack': () => said.e === this.journal.epoch && this.journal.forget(said.u),
      'dn/want': () => this.wanted(said),
      'dn/desired': () => this.ordered(said),
      'dn/cmd': () => packet.retain || this.commanded(said, packet),
    };
    Promise.resolve(answers[leg]?.()).catch((error) => process.stderr.write(`${error.stack}\n`));
  }

  /** Asks whether to open; resolves with the answer, or with nothing when none comes in time. */
  async scan(token, direction) {
    const rid = randomBytes(8).toString('hex');
    const correlation = Buffer.from(this.journal.epoch + rid);
    const now = Date.now();
    const asked = { e: this.journal.epoch, rid, m: 'qr', tok: token, d: direction, t: now, exp: now + WAITS_MS };
    const answer = new Promise((resolve) => {
      this.asked.set(rid, { resolve, correlation });
      setTimeout(() => resolve(null), WAITS_MS).unref();
    });
    const properties = {
      messageExpiryInterval: 10,
      responseTopic: `${this.root}/dn/dec`,
      correlationData: correlation,
    };
    await this.say('up/scan', asked, { properties });
    return answer;
  }

  decided(said, packet) {
    const waiting = this.asked.get(said.rid);
    this.asked.delete(said.rid);
    const named = packet.properties?.correlationData;
    // a broker that speaks 3.1.1 alone carries none, and the request's own name is in the payload anyhow
    if (!waiting || (named && !named.equals(waiting.correlation))) return;
    waiting.resolve({ ...said, correlated: Boolean(named) });
  }

  /** Writes an event down, and says it unless it is to be lost on the way. */
  async report(kind, members = {}, { lost = false } = {}) {
    const event = this.journal.write(kind, members);
    if (this.connected && !lost) await this.say('up/evt', event);
    return event;
  }

  async upload(events) {
    for (let first = 0; first < events.length; first += BATCH) {
      const ev = events.slice(first, first + BATCH);
      await this.say('up/batch', { e: this.journal.epoch, ev, h: 1 });
    }
  }

  async wanted(said) {
    if (said.e !== this.journal.epoch) return;
    if (said.full) await this.say('up/state', this.birth(), { retain: true });
    await this.upload(this.journal.range(said.w ?? []));
  }

  async ordered(said) {
    const { siteId, gateId, passKeys } = this.account;
    if (said.rev <= this.order.rev || !isSigned('desired', siteId, gateId, said, passKeys)) return;
    this.order = { mode: said.mode, rev: said.rev };
    await this.report('mode', { x: { mode: said.mode, rev: said.rev } });
    await this.beat();
  }

  async commanded(said, packet) {
    const { siteId, gateId, passKeys } = this.account;
    const problem = !isSigned('command', siteId, gateId, said, passKeys)
      ? 'bad_sig'
      : said.n <= this.lastCommand
        ? 'replayed'
        : Date.now() >= said.exp
          ? 'expired'
          : 'ok';
    const done = problem === 'ok';
    if (done) this.lastCommand = said.n;
    await this.report('cmd', { rid: said.cid, x: { verb: said.verb, code: problem } });
    const outcome = { e: this.journal.epoch, cid: said.cid, ok: done, c: problem, t: Date.now() };
    const correlationData = packet.properties?.correlationData;
    await this.say('up/res', outcome, { properties: correlationData && { correlationData } });
    if (done && said.verb === 'open') await this.report('passage', { rid: said.cid, d: said.d });
  }

  /** Has something go wrong, or be well again: an event, and what is wrong now, retained. */
  async alarm(kind, on) {
    const event = await this.report(on ? 'alarm_on' : 'alarm_off', { x: { alarm: kind } });
    if (on) this.conditions.set(kind, { k: kind, since: event.t, s: event.s });
    else this.conditions.delete(kind);
    await this.say('up/cond', [...this.conditions.values()], { retain: true });
  }

  /** Says goodbye as one should: a clean disconnect makes no will. */
  async leave() {
    await this.say('up/state', { s: 'offline', e: this.journal.epoch, b: this.session }, { retain: true });
    await this.client.endAsync();
  }

  /** Loses the connection without a word. */
  cut() {
    this.client.stream.destroy();
  }
}
