import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [svelte()],
  // The page is served at /studio, also behind a proxy's own path: its files are in the folder of that name beside it.
  base: './',
  build: {
    assetsDir: 'studio',
    target: 'es2022',
    // A style sheet or picture inside of a script would need a weaker policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
