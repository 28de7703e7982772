/** For which purposes a listener's feedback may be used. */
export interface Purposes {
  /** What others are recommended: trained versions, and popularity. */
  training: boolean;
  /** Counts, measurements and exports for analysts. */
  analytics: boolean;
}
