/** Starts what the address asks for: a guest's own pass, or the dashboard. Neither loads the other. */
import '@fontsource-variable/inter';
import { mount } from 'svelte';
import { tokenOf } from './pass/address';
import './styles/tokens.css';
import './styles/base.css';

const page = document.getElementById('app');
if (page === null) throw new Error('The page has no element #app');
const token = tokenOf(location.pathname);
if (token === null) {
  const { default: App } = await import('./App.svelte');
  mount(App, { target: page });
} else {
  const { default: PassPage } = await import('./pass/PassPage.svelte');
  mount(PassPage, { target: page, props: { token } });
}
