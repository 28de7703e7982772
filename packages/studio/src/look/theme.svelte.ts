export const THEMES = ['auto', 'light', 'dark'] as const;
type Theme = (typeof THEMES)[number];

const KEY = 'cadenza-studio-theme';
const isDark = matchMedia('(prefers-color-scheme: dark)');

/** Light or dark, as the system wants it unless somebody has said otherwise in this tab. */
class Look {
  theme = $state<Theme>(THEMES.find((one) => one === sessionStorage.getItem(KEY)) ?? 'auto');

  constructor() {
    this.#show();
    isDark.addEventListener('change', () => this.#show());
  }

  readonly choose = (theme: Theme): void => {
    this.theme = theme;
    sessionStorage.setItem(KEY, theme);
    this.#show();
  };

  #show(): void {
    const auto = isDark.matches ? 'dark' : 'light';
    document.documentElement.dataset.theme = this.theme === 'auto' ? auto : this.theme;
  }
}

export const look = new Look();
