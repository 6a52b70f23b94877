/** The outlines of the signs, on a field of 24 by 24. Each state has a shape of its own, not only a colour. */

export const ICONS = {
  admit: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM8 12.4l2.8 2.8L16.2 9.5',
  deny: 'M8.3 3h7.4L21 8.3v7.4L15.7 21H8.3L3 15.7V8.3ZM9 9l6 6M15 9l-6 6',
  alarm: 'M12 3.5 2.5 20h19ZM12 10v4.5M12 17.2v.1',
  event: 'M5 4h14a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1ZM12 11v5M12 7.8v.1',
  online:
    'M12 18.5v.1M8.8 15.2a4.6 4.6 0 0 1 6.4 0M5.6 11.9a9.2 9.2 0 0 1 12.8 0M2.5 8.6a13.6 13.6 0 0 1 19 0',
  offline:
    'M12 18.5v.1M8.8 15.2a4.6 4.6 0 0 1 3.2-1.3M5.6 11.9A9.2 9.2 0 0 1 8 10.2M3 3l18 18M15 9.7c1.3.4 2.4 1.2 3.4 2.2M2.5 8.6a13.6 13.6 0 0 1 3-2.2M11 5a13.6 13.6 0 0 1 10.5 3.6',
  unknown:
    'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM9.6 9.5a2.5 2.5 0 1 1 3.6 2.3c-.8.4-1.2.9-1.2 1.7M12 16.6v.1',
  expected: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM12 7v5l3.2 2',
  inside: 'M4 20V9l8-6 8 6v11ZM9 20v-6h6v6',
  left: 'M14 4h5v16h-5M3.5 12H15M8 7.5 3.5 12 8 16.5',
  live: 'M12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5ZM7 17a7 7 0 0 1 0-10M17 7a7 7 0 0 1 0 10M4 20a11.3 11.3 0 0 1 0-16M20 4a11.3 11.3 0 0 1 0 16',
  stale: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM5.8 5.8l12.4 12.4',
  arrowIn: 'M4 12h12M11 7l5 5-5 5M20 4v16',
  arrowOut: 'M20 12H8M13 7l-5 5 5 5M4 4v16',
  bell: 'M6 17V11a6 6 0 0 1 12 0v6l1.5 2h-15ZM10 21.5h4',
  person: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM4.5 21a7.5 7.5 0 0 1 15 0',
  pause: 'M8 5v14M16 5v14',
  play: 'M7 4.5v15l12-7.5Z',
  close: 'M6 6l12 12M18 6 6 18',
  clock: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM12 7v5l3.2 2',
  feed: 'M4 6h16M4 12h16M4 18h10',
  zones: 'M4 4h7v7H4ZM13 4h7v4h-7ZM13 11h7v9h-7ZM4 14h7v6H4Z',
  gates: 'M5 21V11a7 7 0 0 1 14 0v10M12 21v-9M2.5 21h19',
  guests:
    'M9 5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7ZM2.5 20a6.5 6.5 0 0 1 13 0M16 5.4a3.5 3.5 0 0 1 0 6.2M18 14.2a6.5 6.5 0 0 1 3.5 5.8',
  pulse: 'M3 12h4l2.5-7 5 14L17 12h4',
  leave: 'M10 4H5v16h5M20.5 12H9M16 7.5l4.5 4.5-4.5 4.5',
} as const;

export type IconName = keyof typeof ICONS;
