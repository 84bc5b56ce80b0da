import { ActionIcon, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Trash2Icon } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { api, must } from '../../api/client';
import { useMay } from '../../api/session';
import type { Person, TemplateInfo } from '../../api/types';
import { say } from '../../i18n';
import { Confirm } from '../../shell/Confirm';
import { ProblemCard } from '../../shell/ProblemCard';
import { AddPhotos } from './AddPhotos';

/** The photos on record with their quality; more can be added, and poor ones taken away. */
export function PersonPhotos({ person }: { person: Person }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const operator = useMay('operator');
  const [leaving, setLeaving] = useState<TemplateInfo | null>(null);
  const path = { person_id: person.id };
  const templates = useQuery({ queryKey: ['templates', person.id], queryFn: () => must(api.GET('/v1/people/{person_id}/templates', { params: { path } })) });
  const remove = useMutation({
    mutationFn: (template: TemplateInfo) => must(api.DELETE('/v1/people/{person_id}/templates/{template_id}', { params: { path: { ...path, template_id: template.id } } })),
    onSuccess: () => { setLeaving(null); return client.invalidateQueries(); },
  });
  return (
    <section className="card">
      <h2 className="display">{t('person.photos')}</h2>
      <ProblemCard error={templates.error} />
      <ul className="photos plain">
        {templates.data?.items.map((one) => (
          <li key={one.id}>
            {one.has_crop ? <img src={`/v1/people/${person.id}/templates/${one.id}/crop`} alt={t('person.photo_of', { day: say.day(one.added_at) })} loading="lazy" /> : <span className="portrait letter" aria-hidden>?</span>}
            <div>
              <Text size="sm" className="num">{one.quality === null ? '–' : t('person.quality', { n: Math.round(one.quality) })}</Text>
              <Text size="xs" className="soft">{say.day(one.added_at)}</Text>
            </div>
            {operator && (
              <ActionIcon variant="subtle" color="gray" aria-label={t('person.take_away', { n: one.id })} onClick={() => setLeaving(one)}>
                <Trash2Icon size={16} aria-hidden />
              </ActionIcon>
            )}
          </li>
        ))}
      </ul>
      {templates.data?.items.length === 0 && <p className="soft">{t('person.no_photos')}</p>}
      {operator && <AddPhotos person={person} />}
      <Confirm
        opened={leaving !== null} title={t('person.take_away_title')} text={t('person.take_away_text')} go={t('person.take_away_go')}
        busy={remove.isPending} error={remove.error} onClose={() => setLeaving(null)} onGo={() => leaving && remove.mutate(leaving)}
      />
    </section>
  );
}
