export { createAssists } from './assist-service.ts';
export type { Assist, AssistInput, AssistReason, Assists } from './contract.ts';
