/** The reasons of a gate in English, for whoever watches it. */
import type { ReasonTable } from './reasons';

export const reasonsEn: ReasonTable = {
  unknown: {
    text: 'The code is not a pass we know.',
    next: 'Ask for the code in the invitation, or check the person in at the desk.',
  },
  bad_sig: {
    text: 'The pass is damaged or forged.',
    next: 'Ask for the original pass; if it is refused again, look at an identity document.',
  },
  revoked: { text: 'The pass was revoked.', next: 'Do not let in; the host can issue a new pass.' },
  blocked: { text: 'The person is on the watch-list.', next: 'Go to the gate and keep the visitor there.' },
  not_yet: {
    text: 'The pass is not valid yet.',
    next: 'Ask the visitor to come back at the start, or call the host.',
  },
  expired: { text: 'The pass has ended.', next: 'Ask the host for a new pass.' },
  out_of_hours: {
    text: 'The pass does not open at this hour.',
    next: 'Ask the visitor to come back during its hours.',
  },
  wrong_venue: {
    text: 'The pass is for another site.',
    next: 'Send the visitor to the address on the invitation.',
  },
  wrong_zone: {
    text: 'The pass does not open this zone.',
    next: 'Send the visitor to the entrance named on the pass.',
  },
  already_used: {
    text: 'The pass has been used already.',
    next: 'Find its first entry in this feed; if it was somebody else, call the host.',
  },
  passback: {
    text: 'The holder of this pass is inside already.',
    next: 'Have the exit scanned first, or look who came in with it.',
  },
  out_of_order: {
    text: 'The pass was not seen at the gate before this one.',
    next: 'Look who came in with whom, then have it scanned there.',
  },
  full: { text: 'The zone is full.', next: 'Ask to wait until somebody leaves.' },
  not_open: {
    text: 'The zone waits for its first person.',
    next: 'Open the zone for today, or call somebody who may.',
  },
  lockdown: { text: 'The site is in lockdown.', next: 'Let nobody in until the lockdown is lifted.' },
  stale_code: {
    text: 'The code on the phone is too old.',
    next: 'Ask to open the live pass and scan once more.',
  },
  escort_needed: { text: 'The visitor may enter only with a host.', next: 'Call the host to the gate.' },
  second_person: { text: 'Two people must enter together.', next: 'Have the second person scan now.' },
  too_many_tries: {
    text: 'Too many wrong PINs were tried at this gate.',
    next: 'Look who is at the keypad; it works again within a minute.',
  },
  unpaid: { text: 'The pass is not paid.', next: 'Send the visitor to the desk to pay.' },
  gate_disabled: { text: 'The gate is out of service.', next: 'Send the visitor to another gate.' },
  offline: {
    text: 'The gate has no link and may not decide alone.',
    next: 'Use a staffed gate; restore the link.',
  },
  internal: {
    text: 'The gate could not decide.',
    next: 'Have it scanned again, else open by hand and report it.',
  },
};
