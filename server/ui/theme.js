// Runs before the first paint, so that a chosen theme does not flash. Not a module: those run later.
try {
  const chosen = localStorage.getItem('sealog.theme');
  if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset.theme = chosen;
} catch {
  // Without storage the system's theme holds.
}
