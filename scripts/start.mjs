// `npm start`: compiles src/ and builds the Studio when any of it is newer than the last time, then becomes the server. One process after
// that, so that signals reach it and not a shell in between: npm passes them to the shell that it starts a script with, which
// would end at once and leave the server behind. Hence `exec` in package.json; where the shell has none, as on Windows, what
// follows it is run.
import { compile, isStale } from './compile.mjs';
import { buildStudio, isStudioStale } from './studio.mjs';

// On standard error: standard output is the server's log.
if (isStale() || isStudioStale())
  console.error('Compiling the server and the Studio. This takes up to half a minute, once …');
compile();
buildStudio();
// In production graphql leaves out a check of every value that it makes, for a mistake that bundlers make.
process.env.NODE_ENV ??= 'production';
await import('../dist/main.js');
