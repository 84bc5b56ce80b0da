import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import { api, must } from '../../api/client';
import type { Job } from '../../api/types';
import { Confirm } from '../../shell/Confirm';

/** Asks, then deletes a video and all that came of it. */
export function RemoveVideo({ job, opened, onClose, onDone }: { job: Job; opened: boolean; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () => must(api.DELETE('/v1/videos/{job_id}', { params: { path: { job_id: job.id } } })),
    onSuccess: () => { onDone(); return client.invalidateQueries({ queryKey: ['videos'] }); },
  });
  return <Confirm opened={opened} title={t('videos.remove_title', { name: job.name })} text={t('videos.remove_text')} go={t('videos.remove')} busy={remove.isPending} error={remove.error} onClose={onClose} onGo={() => remove.mutate()} />;
}
