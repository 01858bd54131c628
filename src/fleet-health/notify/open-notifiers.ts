// The configured channels, each as what sends to it.

import { alertmanager } from './alertmanager.ts';
import { email } from './email.ts';
import type { Notifier, NotifierConfig } from './notifier.ts';
import { ntfy } from './ntfy.ts';
import { webhook } from './webhook.ts';

export function openNotifiers(configs: readonly NotifierConfig[]): Notifier[] {
  return configs.map(openNotifier);
}

function openNotifier(config: NotifierConfig): Notifier {
  const { kind, name } = config;
  switch (kind) {
    case 'webhook':
      return webhook({ name, url: config.url, secret: config.secret_file });
    case 'ntfy':
      return ntfy({ name, url: config.url, token: config.token_file });
    case 'alertmanager':
      return alertmanager({ name, url: config.url });
    case 'email':
      return email(config);
  }
}
