import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import { api, must } from '../../api/client';
import type { PreferencesChange } from '../../api/types';

/** Changes preferences, and says so. */
export function useChange() {
  const { t } = useTranslation();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: PreferencesChange) => must(api.PATCH('/v1/preferences', { body })),
    onSuccess: () => {
      notifications.show({ message: t('settings.saved') });
      return client.invalidateQueries();
    },
  });
}
