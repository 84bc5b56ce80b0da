import { Button, Group } from '@mantine/core';
import { DownloadIcon, ShieldCheckIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';

import { useSession } from '../../api/session';
import type { Receipt } from '../../api/types';
import { say } from '../../i18n';
import { download } from '../../shell/download';
import { PageHead } from '../../shell/PageHead';

/** What is left of somebody who was removed: the receipt, in words and as a file. */
export function Removed({ name, receipt }: { name: string; receipt: Receipt }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const { videos } = receipt;
  const by = useSession().data?.name;
  return (
    <>
      <PageHead title={t('receipt.title', { name })} lead={t('receipt.text')} />
      <section className="card receipt" aria-label={t('receipt.title', { name })}>
        <ShieldCheckIcon size={30} strokeWidth={1.5} aria-hidden />
        <dl className="facts">
          <dt>{t('receipt.who')}</dt><dd>{name}</dd>
          <dt>{t('receipt.when')}</dt><dd>{say.moment(receipt.at)}</dd>
          <dt>{t('receipt.by')}</dt><dd>{by}</dd>
          <dt>{t('receipt.erased')}</dt>
          <dd>
            <ul className="plain">
              {Object.entries(receipt.counts).filter(([, n]) => n > 0).map(([kind, n]) => <li key={kind}>{t(`receipt.${kind}`, { count: n, n: say.number(n), defaultValue: `${kind}: ${n}` })}</li>)}
              <li>{t('receipt.key')}</li>
              {videos > 0 && <li>{t('receipt.videos', { count: videos, n: say.number(videos) })}</li>}
            </ul>
            {videos === 0 && <p className="soft small">{t('receipt.no_videos')}</p>}
          </dd>
          <dt>{t('receipt.number')}</dt><dd className="num">{receipt.seq}</dd>
          <dt>{t('receipt.signature')}</dt><dd><code className="small wrap">{receipt.signature}</code></dd>
        </dl>
        <Group mt="lg">
          <Button leftSection={<DownloadIcon size={16} aria-hidden />} onClick={() => download(`receipt-${receipt.seq}.json`, JSON.stringify(receipt))}>{t('receipt.keep')}</Button>
          <Button variant="default" onClick={() => void go('/people')}>{t('common.done')}</Button>
        </Group>
      </section>
    </>
  );
}
