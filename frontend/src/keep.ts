// Browser storage that may be switched off, full, or hold what an older version wrote.

export function load<T>(storage: () => Storage, key: string): T | null {
  try {
    return JSON.parse(storage().getItem(key) ?? "null") as T | null;
  } catch {
    return null;
  }
}

/** Writes, or removes for null; false where it could not. That is no reason to stop what the person is doing. */
export function save(storage: () => Storage, key: string, value: unknown): boolean {
  try {
    if (value === null) storage().removeItem(key);
    else storage().setItem(key, JSON.stringify(value));
    return true;
  } catch {
    // Private windows and full disks: the page goes on, only without a memory.
    return false;
  }
}

/** What an agent has just read. The lists in other tabs follow it. */
export const READ = "parlour:read";

export const local = (): Storage => localStorage;
export const session = (): Storage => sessionStorage;
