// Before the first paint, so that a dark page never flashes white. The keys are those of src/theme.ts and src/i18n.
(function () {
  var root = document.documentElement;
  var kept = null;
  var language = null;
  try {
    kept = localStorage.getItem('mien-scheme');
    language = localStorage.getItem('mien-language');
  } catch (error) {
    // Storage may be forbidden; the system's choice is taken.
  }
  var dark = kept === 'dark' || (kept !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  root.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
  root.lang = language === 'zh' || (!language && navigator.language.indexOf('zh') === 0) ? 'zh-CN' : 'en';
})();
