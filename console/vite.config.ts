import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

import { licences } from './licences';

// `mien serve` on its own port answers the API while `npm run dev` serves the page.
const service = 'http://127.0.0.1:8460';

export default defineConfig({
  plugins: [react(), licences()],
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        // A few files rather than fifty: what every page needs, and the widgets; plots come with the pages that plot.
        codeSplitting: {
          groups: [
            { name: 'base', test: /node_modules[\\/](react|react-dom|scheduler|react-router|@tanstack|i18next|react-i18next|openapi-fetch)[\\/]/ },
            { name: 'widgets', test: /node_modules[\\/](@mantine|@floating-ui|lucide-react|react-remove-scroll|get-nonce)/ },
          ],
        },
      },
    },
  },
  server: { proxy: { '/v1': { target: service, ws: true }, '/health': service } },
});
