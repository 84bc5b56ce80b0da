import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// `mien serve` on its own port answers the API while `npm run dev` serves the page.
const service = 'http://127.0.0.1:8460';

export default defineConfig({
  plugins: [react()],
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { '/v1': { target: service, ws: true }, '/health': service } },
});
