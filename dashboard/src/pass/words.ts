/** The words of a guest's pass. */

const en = {
  title: (site: string) => `Pass for ${site}`,
  hello: (name: string) => (name === '' ? 'Welcome!' : `Welcome, ${name}!`),
  lead: 'Hold this code up to the reader at the entrance.',
  live: 'The code changes every 30 seconds. A picture of it opens nothing later.',
  single: 'For one entry.',
  escort: 'Your host comes to the entrance and goes in with you.',
  from: 'From',
  until: 'Until',
  zones: 'Opens',
  early: 'This pass is not valid yet.',
  over: 'The time of this pass is over. Ask your host for a new one.',
  inside: 'You are inside. Hold up the same code to leave.',
  offline: 'No signal: the pass on this phone is shown, as it was last known.',
  noCode: 'Open this page once with a signal, to get the codes of today.',
  loading: 'Loading your pass…',
  unreachable: 'The server cannot be reached, and this phone has no copy of the pass yet. Try again.',
  again: 'Try again',
  code: 'QR code of the pass',
};

const ru: typeof en = {
  title: (site) => `Пропуск: ${site}`,
  hello: (name) => (name === '' ? 'Добро пожаловать!' : `Добро пожаловать, ${name}!`),
  lead: 'Поднесите этот код к считывателю у входа.',
  live: 'Код меняется каждые 30 секунд. Его снимок позже ничего не откроет.',
  single: 'На один вход.',
  escort: 'Пригласивший выйдет ко входу и войдёт вместе с вами.',
  from: 'С',
  until: 'До',
  zones: 'Открывает',
  early: 'Пропуск ещё не действует.',
  over: 'Срок пропуска истёк. Попросите у пригласившего новый.',
  inside: 'Вы внутри. Чтобы выйти, поднесите тот же код.',
  offline: 'Нет связи: показан пропуск с этого телефона, каким он был известен.',
  noCode: 'Откройте эту страницу один раз при связи, чтобы получить коды на сегодня.',
  loading: 'Загружаем пропуск…',
  unreachable: 'Сервер недоступен, а на этом телефоне ещё нет копии пропуска. Попробуйте снова.',
  again: 'Попробовать снова',
  code: 'QR-код пропуска',
};

/** Returns the words for a language of the screen. */
export function passWords(code: string): typeof en {
  return code === 'ru' ? ru : en;
}
