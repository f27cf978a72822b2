// Light or dark: what the system says, unless one has chosen.

import { signal } from "@preact/signals";

export type Look = "light" | "dark";

const key = "hedgehog-look";
const system = matchMedia("(prefers-color-scheme: dark)");

function stored(): Look | null {
  try {
    const look = localStorage.getItem(key);
    return look === "light" || look === "dark" ? look : null;
  } catch {
    return null; // the browser keeps nothing for this page
  }
}

const current = (): Look => stored() ?? (system.matches ? "dark" : "light");

export const theme = signal<Look>(current());

function apply(): void {
  theme.value = current();
  document.documentElement.dataset["look"] = theme.value;
}

export function switchTheme(): void {
  const look: Look = theme.value === "dark" ? "light" : "dark";
  try {
    localStorage.setItem(key, look);
  } catch {
    // Then it holds until the page is left.
  }
  theme.value = look;
  document.documentElement.dataset["look"] = look;
}

export function beginTheme(): void {
  apply();
  system.addEventListener("change", apply);
}
