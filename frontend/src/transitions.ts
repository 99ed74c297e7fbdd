// Going from page to page fades. A page that comes back from the browser's memory skips that, which is no error.
export function startTransitions(): void {
  for (const kind of ["pagereveal", "pageswap"]) {
    addEventListener(kind, (event) => {
      const { viewTransition } = event as Event & { viewTransition?: ViewTransition | null };
      viewTransition?.ready.catch(() => undefined);
    });
  }
}
