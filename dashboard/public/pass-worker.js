/* Keeps the page of a guest's pass on the phone: from the network while there is one, else as it was. */
const CACHE = 'gatehouse-pass-1';

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  const { pathname } = new URL(event.request.url);
  if (event.request.method === 'GET' && pathname.startsWith('/app/'))
    event.respondWith(answer(event.request));
});

async function answer(request) {
  const cache = await caches.open(CACHE);
  // Every guest's page is the same document; the pass itself is kept by the page.
  const key = request.mode === 'navigate' ? '/app/pass/' : request;
  try {
    const fresh = await fetch(request);
    if (fresh.ok) await cache.put(key, fresh.clone());
    return fresh;
  } catch (error) {
    const kept = await cache.match(key);
    if (kept === undefined) throw error;
    return kept;
  }
}
