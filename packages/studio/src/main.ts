import './look/tokens.css';
import './look/elements.css';
import { mount } from 'svelte';
import Shell from './shell/Shell.svelte';

const target = document.querySelector('#studio');
if (target) mount(Shell, { target });
