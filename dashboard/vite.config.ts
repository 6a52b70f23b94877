/** How the dashboard is built, served while developing, and tested. */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { loadEnv } from 'vite';
import { defineConfig } from 'vitest/config';

export default defineConfig(({ mode }) => {
  const environment = loadEnv(mode, '.', 'GATEHOUSE_');
  const server = environment['GATEHOUSE_URL'] ?? 'http://127.0.0.1:8080';
  return {
    base: '/app/',
    plugins: [svelte()],
    build: {
      target: 'es2022',
      // The content security policy allows no data: addresses, so nothing may be inlined as one.
      assetsInlineLimit: 0,
    },
    server: {
      proxy: {
        '/api': server,
        '/app/session': server,
        '/connection': { target: server, ws: true },
      },
    },
    test: { environment: 'node', include: ['src/**/*.test.ts'] },
  };
});
