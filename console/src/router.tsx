import { createBrowserRouter } from 'react-router';

import { Broken } from './shell/Broken';
import { Home, NoSuchPage, Only } from './shell/NoSuchPage';
import { Shell } from './shell/Shell';

/** A page is fetched when it is first opened. */
function page(load: () => Promise<{ default: React.ComponentType }>) {
  return async () => ({ Component: (await load()).default });
}

export const router = createBrowserRouter([
  { path: '/login', lazy: page(() => import('./pages/login/Login')), errorElement: <Broken /> },
  { path: '/welcome', lazy: page(() => import('./pages/login/Welcome')), errorElement: <Broken /> },
  {
    path: '/',
    element: <Shell />,
    errorElement: <Broken />,
    hydrateFallbackElement: <div />,
    children: [
      {
        errorElement: <Broken />,
        children: [
          { index: true, element: <Home /> },
          {
            element: <Only role="operator" />,
            children: [
              { path: 'try', lazy: page(() => import('./pages/try/Try')) },
              { path: 'compare', lazy: page(() => import('./pages/compare/Compare')) },
              { path: 'people/findings', lazy: page(() => import('./pages/people/Findings')) },
            ],
          },
          { path: 'people', lazy: page(() => import('./pages/people/People')) },
          { path: 'people/:id', lazy: page(() => import('./pages/people/PersonPage')) },
          { path: 'live', lazy: page(() => import('./pages/live/Live')) },
          { path: 'videos', lazy: page(() => import('./pages/videos/Videos')) },
          { path: 'videos/:id', lazy: page(() => import('./pages/videos/Report')) },
          { path: 'settings', lazy: page(() => import('./pages/settings/Settings')) },
          { path: 'settings/:part', lazy: page(() => import('./pages/settings/Settings')) },
          { element: <Only role="administrator" />, children: [{ path: 'audit', lazy: page(() => import('./pages/audit/Audit')) }] },
          { path: '*', element: <NoSuchPage /> },
        ],
      },
    ],
  },
]);
