import type { Arrival } from '../engine/work.ts';

export function answer(methods: Record<string, (argument: never) => Promise<unknown>>): void;
export function timer(): (tokens?: number) => Arrival;
