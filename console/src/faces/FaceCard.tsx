import { Group, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

import { say } from '../i18n';
import type { Face } from '../api/types';
import { Sentences } from '../shell/Original';
import { ExpressionBars } from './ExpressionBars';
import { QualityReport } from './QualityReport';

/** Everything that is known about one face, in the order in which people ask. */
export function FaceCard({ face, title, extra }: { face: Face; title: string; extra?: React.ReactNode }) {
  const { t } = useTranslation();
  const mesh = face.landmark;
  return (
    <section className="card face-card">
      <Group justify="space-between" align="baseline" mb="sm">
        <h2 className="display">{title}</h2>
        <Text size="xs" className="soft num">
          {t('face.found', { score: say.percent(face.detection.score) })}
        </Text>
      </Group>
      {extra}
      {face.expression.status === 'ok' && <ExpressionBars expression={face.expression} />}
      {face.expression.status === 'failed' && <Sentences lines={[face.expression.reason]} />}
      {face.quality.status === 'ok' && <QualityReport quality={face.quality} />}
      {face.quality.status === 'failed' && <Sentences lines={[face.quality.reason]} />}
      {mesh.status === 'ok' && (
        <dl className="facts small num">
          <dt>{t('face.turned')}</dt>
          <dd>{t('face.pose', { yaw: round(mesh.pose.yaw_degrees), pitch: round(mesh.pose.pitch_degrees), roll: round(mesh.pose.roll_degrees) })}</dd>
        </dl>
      )}
    </section>
  );
}

function round(value: number | null): string {
  return value === null ? '–' : `${Math.round(value)}°`;
}
