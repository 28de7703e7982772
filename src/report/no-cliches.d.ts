declare module 'no-cliches' {
  /** Where listed phrases begin, and their lengths. */
  export default function matches(text: string): { index: number; offset: number }[];
}
