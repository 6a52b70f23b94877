/** What the feeds of a site carry, as the server shows it to a watcher. Moments are RFC 3339 text. */

/** One line of the access log: a decision and the passage that followed it, or an event of the gate itself. */
export interface AccessRow {
  readonly accessId: number;
  readonly at: string;
  readonly gateId: number;
  readonly gateName: string;
  readonly zoneId: number | null;
  readonly zoneName: string | null;
  readonly kind: string;
  readonly direction: 'in' | 'out' | null;
  readonly verdict: 'admit' | 'deny' | null;
  readonly reason: string | null;
  readonly passed: boolean | null;
  readonly guestPassId: number | null;
  readonly person: string | null;
  readonly hostName: string | null;
  readonly source: 'online' | 'offline';
  readonly historical: boolean;
  readonly seq: number;
  /** Who on duty wrote it down, and why; null for what gates report. */
  readonly byName?: string | null;
  readonly note?: string | null;
}

/** How many people are in a zone, and how many it takes. */
export interface ZoneView {
  readonly zoneId: number;
  readonly name: string;
  readonly inside: number;
  readonly capacity: number | null;
}

/** Whether the server hears a gate. */
export type LinkState = 'online' | 'offline' | 'unknown';

/** What a gate says of its device; null is what it did not say. */
export interface GateDevice {
  readonly hardware: string;
  readonly battery: number | null;
  readonly power: 'mains' | 'battery' | null;
  readonly temperature: number | null;
  readonly rssi: number | null;
  readonly uptimeS: number | null;
}

/** A gate as the server last heard of it. */
export interface GateView {
  readonly gateId: number;
  readonly name: string;
  readonly fromZoneId: number | null;
  readonly toZoneId: number | null;
  readonly link: LinkState;
  readonly mode: string | null;
  readonly enabled?: boolean;
  readonly lastSeenAt: string | null;
  readonly lastSeq: number | null;
  readonly acknowledgedSeq: number | null;
  readonly queueDepth: number | null;
  readonly clockOffsetMs: number | null;
  readonly firmware: string | null;
  readonly missing: number | null;
  /** Messages that could not be read; a thousand at most are counted. */
  readonly quarantined?: number;
  /** False while the device is locked out. */
  readonly deviceEnabled?: boolean;
  readonly health?: GateDevice;
  /** Whether the gate has said that it is as ordered. */
  readonly obeys?: boolean;
}

/** Something that is wrong until somebody has seen to it. */
export interface AlarmView {
  readonly alarmId: number;
  readonly gateId: number | null;
  readonly gateName: string | null;
  readonly kind: string;
  readonly state: 'raised' | 'acknowledged' | 'cleared' | 'closed';
  readonly raisedAt: string;
  readonly lastAt: string;
  readonly count: number;
  readonly acknowledgedBy: number | null;
  readonly acknowledgedByName: string | null;
  readonly escalatedAt: string | null;
}

/** The numbers of a muster. */
export interface MusterSummary {
  readonly inside: number;
  readonly known: number;
  readonly unknown: number;
  readonly safe: number;
  readonly missing: number;
}

/** A muster under way: everybody inside is being accounted for. */
export interface MusterView {
  readonly musterId: number;
  readonly reason: string;
  readonly begunAt: string;
  readonly begunByName: string | null;
  readonly summary: MusterSummary;
}

/** What is wrong with a pass of somebody who is accounted for. */
export type Warned = 'revoked' | 'expired';

/** Somebody with a pass who is inside, or was when the muster began. */
export interface PersonView {
  readonly passId: number;
  readonly name: string;
  readonly hostName: string | null;
  readonly zoneId: number | null;
  readonly zoneName: string | null;
  readonly lastGateName: string | null;
  readonly lastAt: string | null;
  readonly confidence: string;
  readonly warning: Warned | null;
  readonly safe: boolean;
  readonly markedByName: string | null;
}

/** How many are in a zone while a muster is under way. */
export interface MusterZone {
  readonly zoneId: number;
  readonly name: string;
  readonly inside: number;
  readonly known: number;
  readonly unknown: number;
  readonly safe: number;
}

/** How the number of a zone comes about: inside = came − went + corrected + elsewhere. */
export interface ZoneSum extends MusterZone {
  readonly came: number;
  readonly went: number;
  readonly corrected: number;
  /** By how many passes that left unseen: they were next seen elsewhere. */
  readonly elsewhere: number;
}

/** Where a guest is on the way from invited to gone. */
export type GuestState = 'expected' | 'inside' | 'left' | 'revoked' | 'expired';

/** A guest whose pass touches today. */
export interface GuestView {
  readonly guestPassId: number;
  readonly guestName: string;
  readonly hostUserId: number;
  readonly hostName: string | null;
  readonly start: string;
  readonly end: string;
  readonly state: GuestState;
  readonly arrivedAt: string | null;
}

/** Something the signed-in person was told. */
export interface NotificationView {
  readonly notificationId: number;
  readonly kind: string;
  readonly title: string;
  readonly text: string;
  readonly link: string | null;
  readonly createdAt: string;
  readonly readAt: string | null;
}

/** The beat of a site's feed, sent every second by the process that records events. */
export interface Pulse {
  readonly at: string;
  readonly brokerConnected: boolean;
  readonly lagMs: number;
  readonly recorded: number;
}
