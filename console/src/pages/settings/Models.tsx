import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';

import { api, must } from '../../api/client';
import { useGallery } from '../../api/gallery';
import { said, say } from '../../i18n';
import { ProblemCard } from '../../shell/ProblemCard';

/** What computes the answers, under which licence, and what its error rates rest on. */
export function Models() {
  const { t } = useTranslation();
  const models = useQuery({ queryKey: ['models'], queryFn: () => must(api.GET('/v1/models')), staleTime: Infinity });
  const calibrations = useQuery({ queryKey: ['calibrations'], queryFn: () => must(api.GET('/v1/calibrations')), staleTime: Infinity });
  const gallery = useGallery();
  return (
    <div className="stack loose">
      <ProblemCard error={models.error ?? calibrations.error ?? gallery.error} />
      {gallery.data && (
        <section className="card">
          <h2 className="display">{t('models.gallery')}</h2>
          <dl className="facts mt">
            <dt>{t('models.people')}</dt><dd className="num">{say.number(gallery.data.n_people)}</dd>
            <dt>{t('models.photos')}</dt><dd className="num">{say.number(gallery.data.n_templates)}</dd>
            <dt>{t('models.policy')}</dt>
            <dd>{[t(gallery.data.policy.require_consent ? 'models.consent' : 'models.no_consent'), t(gallery.data.policy.keep_crops ? 'models.crops' : 'models.no_crops'), gallery.data.policy.keep_answers_days ? t('models.answers', { n: gallery.data.policy.keep_answers_days, count: gallery.data.policy.keep_answers_days }) : t('models.no_answers')].join(' · ')}</dd>
            <dt>{t('models.embedder')}</dt><dd><code>{gallery.data.model}</code></dd>
          </dl>
        </section>
      )}
      {calibrations.data?.items.map((one) => (
        <section key={one.id} className="card">
          <h2 className="display">{t('models.calibration')}</h2>
          <dl className="facts mt">
            <dt>{t('models.id')}</dt><dd><code>{one.id}</code></dd>
            <dt>{t('models.domain')}</dt><dd>{said(one.domain) ?? one.domain}</dd>
            <dt>{t('models.rests')}</dt><dd>{t('models.pairs', { pairs: say.number(one.n_pairs), people: say.number(one.n_people) })}</dd>
            <dt>{t('models.source')}</dt><dd>{said(one.source) ?? one.source}</dd>
          </dl>
        </section>
      ))}
      <div className="cards wide">
        {models.data?.items.map((one) => (
          <section key={one.id} className="card tight">
            <p className="eyebrow">{t(`task.${one.task}`, one.task)}</p>
            <h3 className="model-name">{said(one.title) ?? one.title}</h3>
            <p className="soft small">{one.license} · {t(`models.commercial_${one.commercial}`)} · {say.bytes(one.bytes)}</p>
            <p className="soft small clip" title={one.id}><code>{one.id}</code></p>
          </section>
        ))}
      </div>
    </div>
  );
}
