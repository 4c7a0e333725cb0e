// Call quality from the SDK's samples. No DOM.

const REMEMBERED = 5;

/** Mean opinion score, 1 to 4.5, as bars and a word: {bars: 1..4, word}. Source: ITU-T G.107 and Twilio's thresholds. */
export function gradeOf(mos) {
  if (mos >= 4) return { bars: 4, word: 'Good' };
  if (mos >= 3.6) return { bars: 3, word: 'Fair' };
  if (mos >= 3.1) return { bars: 2, word: 'Fair' };
  return { bars: 1, word: 'Poor' };
}

/** Averages the last five seconds, so that one bad second does not make the bars jump. */
export class Quality {
  #scores = [];

  /** One sample per second; a score may be missing at the start. Returns the grade, or null until there is one. */
  sample(mos) {
    if (Number.isFinite(mos) && mos > 0) this.#scores = [...this.#scores, mos].slice(-REMEMBERED);
    if (!this.#scores.length) return null;
    return gradeOf(this.#scores.reduce((sum, score) => sum + score, 0) / this.#scores.length);
  }
}
