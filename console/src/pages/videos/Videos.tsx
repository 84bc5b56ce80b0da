import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { Button } from '@mantine/core';
import { FilmIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';

import { api, must } from '../../api/client';
import { useMay } from '../../api/session';
import { Empty } from '../../shell/Empty';
import { PageHead } from '../../shell/PageHead';
import { ProblemCard } from '../../shell/ProblemCard';
import { JobRow } from './JobRow';
import { UploadVideo } from './UploadVideo';

const EVERY_MS = 1500;
const OPEN = ['queued', 'running'];

export default function Videos() {
  const { t } = useTranslation();
  const operator = useMay('operator');
  const client = useQueryClient();
  const videos = useInfiniteQuery({
    queryKey: ['videos'],
    queryFn: ({ pageParam }) => must(api.GET('/v1/videos', { params: { query: { limit: 30, cursor: pageParam } } })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: (query) => (query.state.data?.pages.some((page) => page.items.some((job) => OPEN.includes(job.state))) ? EVERY_MS : false),
  });
  const jobs = videos.data?.pages.flatMap((page) => page.items) ?? [];
  // A first list that is still on its way was made before the upload, and would be taken for the new one.
  const renew = async () => {
    await client.cancelQueries({ queryKey: ['videos'] });
    await videos.refetch();
  };
  return (
    <>
      <PageHead title={t('videos.title')} lead={t('videos.lead')} />
      {operator && <UploadVideo onDone={() => void renew()} />}
      <ProblemCard error={videos.error} retry={() => void videos.refetch()} />
      {videos.isSuccess && jobs.length === 0 && <Empty icon={<FilmIcon size={26} />} title={t('videos.none')} text={t('videos.none_text')} />}
      <ul className="jobs plain">
        {jobs.map((job) => <JobRow key={job.id} job={job} />)}
      </ul>
      {videos.hasNextPage && <Button variant="default" mt="md" onClick={() => void videos.fetchNextPage()}>{t('common.more')}</Button>}
    </>
  );
}
