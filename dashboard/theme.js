// Runs before the first paint, which is why it is no module: the page never flashes in the colours that were not chosen.
(function () {
  'use strict';
  try {
    const chosen = localStorage.getItem('postern.theme');
    if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
  } catch {
    // A browser that keeps nothing follows the system's setting.
  }
})();
