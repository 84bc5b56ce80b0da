import { createTheme, localStorageColorSchemeManager, type MantineColorsTuple } from '@mantine/core';

const pine: MantineColorsTuple = [
  '#eef6f3', '#dcebe5', '#b7d7cb', '#8fc2af', '#6bb097', '#4f9d83', '#35836a', '#1f6b56', '#175745', '#0f4435',
];
const stone: MantineColorsTuple = [
  '#faf9f6', '#f3f1ec', '#e8e5de', '#d9d5cc', '#bdb8ad', '#989388', '#726d63', '#57534b', '#3a3833', '#22211e',
];
const night: MantineColorsTuple = [
  '#e9e6df', '#c9c5bc', '#a9a498', '#7d796f', '#56534b', '#3a3833', '#2a2926', '#1e1d1b', '#171614', '#100f0e',
];

export const theme = createTheme({
  primaryColor: 'pine',
  primaryShade: { light: 7, dark: 6 },
  colors: { pine, gray: stone, dark: night },
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  headings: { fontWeight: '600' },
  defaultRadius: 'md',
  radius: { xs: '4px', sm: '6px', md: '9px', lg: '14px', xl: '22px' },
  cursorType: 'pointer',
  focusRing: 'auto',
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'sm' } },
    Badge: { defaultProps: { tt: 'none', fw: 500 } },
    Paper: { defaultProps: { radius: 'lg' } },
    Modal: { defaultProps: { centered: true, radius: 'lg', overlayProps: { backgroundOpacity: 0.4 } } },
    TextInput: { defaultProps: { size: 'sm' } },
  },
});

export const schemes = localStorageColorSchemeManager({ key: 'mien-scheme' });

/** The nonce that the server put into this page, for the styles that the page makes itself. */
export function nonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
}
