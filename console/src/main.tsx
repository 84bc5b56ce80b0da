import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './styles.css';

import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { setNonce } from 'get-nonce';
import { createRoot } from 'react-dom/client';
import { RouterProvider } from 'react-router';

import { startLanguage } from './i18n';
import { queries } from './api/queries';
import { router } from './router';
import { nonce, schemes, theme } from './theme';

setNonce(nonce());
await startLanguage();

createRoot(document.getElementById('root') as HTMLElement).render(
  <MantineProvider theme={theme} colorSchemeManager={schemes} defaultColorScheme="auto" getStyleNonce={nonce}>
    <QueryClientProvider client={queries}>
      <Notifications position="top-right" />
      <RouterProvider router={router} />
    </QueryClientProvider>
  </MantineProvider>,
);
