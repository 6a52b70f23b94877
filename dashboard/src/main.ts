/** Starts the dashboard in its page. */
import '@fontsource-variable/inter';
import { mount } from 'svelte';
import App from './App.svelte';
import './styles/tokens.css';
import './styles/base.css';

const page = document.getElementById('app');
if (page === null) throw new Error('The page has no element #app');
mount(App, { target: page });
