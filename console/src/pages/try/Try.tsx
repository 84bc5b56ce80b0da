import { SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { PageHead } from '../../shell/PageHead';
import { PhotoTry } from './PhotoTry';
import { WebcamTry } from './WebcamTry';

export default function Try() {
  const { t } = useTranslation();
  const [way, setWay] = useState('photo');
  return (
    <>
      <PageHead title={t('try.title')} lead={t('try.lead')}>
        <SegmentedControl
          value={way}
          onChange={setWay}
          aria-label={t('try.way')}
          data={[
            { value: 'photo', label: t('try.photo') },
            { value: 'webcam', label: t('try.webcam') },
          ]}
        />
      </PageHead>
      {way === 'photo' ? <PhotoTry /> : <WebcamTry />}
    </>
  );
}
