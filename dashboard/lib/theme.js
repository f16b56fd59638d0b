// Light, dark, or as the system says.

const SETTING = 'postern.theme';
const ORDER = ['system', 'light', 'dark'];

export function theme() {
  return document.documentElement.dataset.theme || 'system';
}

export function themeWords() {
  return { system: 'System', light: 'Light', dark: 'Dark' }[theme()] || 'System';
}

export function isDark() {
  return theme() === 'dark' || (theme() === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
}

/** @param {string} name */
export function setTheme(name) {
  if (name === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  localStorage.setItem(SETTING, name);
}

export function nextTheme() {
  setTheme(ORDER[(ORDER.indexOf(theme()) + 1) % ORDER.length]);
}
