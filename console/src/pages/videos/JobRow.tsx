import { Button, Group, Progress, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import { api, must } from '../../api/client';
import { useMay } from '../../api/session';
import type { Job } from '../../api/types';
import { say } from '../../i18n';
import { Trouble } from '../../shell/Trouble';
import { RemoveVideo } from './RemoveVideo';

/** One video: how far it is, and what can be done with it. */
export function JobRow({ job }: { job: Job }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const operator = useMay('operator');
  const [leaving, setLeaving] = useState(false);
  const path = { job_id: job.id };
  const refresh = () => client.invalidateQueries({ queryKey: ['videos'] });
  const cancel = useMutation({ mutationFn: () => must(api.POST('/v1/videos/{job_id}/cancel', { params: { path } })), onSuccess: refresh });
  const open = job.state === 'queued' || job.state === 'running';
  return (
    <li className="card tight job">
      <div className="job-name">
        {job.state === 'done' ? <Link to={`/videos/${job.id}`}>{job.name}</Link> : <strong>{job.name}</strong>}
        <Text size="sm" className="soft num">
          {t(`job.${job.cancel_asked && open ? 'stopping' : job.state}`)} · {say.bytes(job.bytes)} · {say.time(job.created_at)}
        </Text>
        {job.trouble && <Trouble {...job.trouble} />}
      </div>
      {job.state === 'running' && <Progress value={job.progress * 100} aria-label={t('videos.progress')} className="job-progress" />}
      <Group gap="xs">
        {job.state === 'done' && <Button component={Link} to={`/videos/${job.id}`} size="xs" variant="light">{t('videos.open')}</Button>}
        {operator && open && <Button size="xs" variant="default" loading={cancel.isPending} onClick={() => cancel.mutate()}>{t('common.cancel')}</Button>}
        {operator && !open && <Button size="xs" variant="default" onClick={() => setLeaving(true)}>{t('videos.remove')}</Button>}
      </Group>
      <RemoveVideo job={job} opened={leaving} onClose={() => setLeaving(false)} onDone={() => setLeaving(false)} />
    </li>
  );
}
