import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';

/** `npm run fuzz -- --seed N --cases N`: damaged model files, of which none may crash, hang or swell the server. */
const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, cases: { type: 'string', default: '1000' } },
});
const started = Date.now();
const onFinding = (finding: string) => console.log(finding);
const { tally, findings, peakMb } = await fuzz({ seed: Number(values.seed), cases: Number(values.cases), onFinding });
console.log(JSON.stringify({ tally, findings: findings.length, peakMb, seconds: (Date.now() - started) / 1000 }));
process.exitCode = findings.length > 0 ? 1 : 0;
