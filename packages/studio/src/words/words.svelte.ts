import { en, type Words } from './en.ts';
import { zh } from './zh.ts';

const DICTIONARIES = { EN: en, ZH: zh } as const;
/** As the contract names languages. */
export type Language = keyof typeof DICTIONARIES;
export const LANGUAGES: readonly { id: Language; name: string }[] = [
  { id: 'EN', name: en.language },
  { id: 'ZH', name: zh.language },
];

const KEY = 'cadenza-studio-language';

class Speech {
  language = $state<Language>(preferred());

  constructor() {
    this.#tell();
  }

  /** The words of the language. */
  get t(): Words {
    return DICTIONARIES[this.language];
  }

  readonly choose = (language: Language): void => {
    this.language = language;
    sessionStorage.setItem(KEY, language);
    this.#tell();
  };

  /** What screen readers pronounce by, and fonts are chosen by. */
  #tell(): void {
    document.documentElement.lang = this.language === 'ZH' ? 'zh-Hans' : 'en';
  }
}

function preferred(): Language {
  const kept = LANGUAGES.find(({ id }) => id === sessionStorage.getItem(KEY));
  return kept?.id ?? (navigator.language.startsWith('zh') ? 'ZH' : 'EN');
}

export const speech = new Speech();
