import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useRouteError } from 'react-router';

import { ProblemCard } from './ProblemCard';

/** What is shown where a page itself fails, such as after an update of the service. */
export function Broken() {
  const error = useRouteError();
  const { t } = useTranslation();
  return (
    <div className="page">
      <h1 className="display">{t('common.broken')}</h1>
      <ProblemCard error={error} />
      <Button mt="md" onClick={() => window.location.reload()}>
        {t('common.reload')}
      </Button>
    </div>
  );
}
