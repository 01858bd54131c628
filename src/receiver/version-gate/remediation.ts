// The commands that a refused lab host is told to run: they cure a stale host as it was installed.

// For hosts that were installed from git, and for those of which it is not known.
const GIT = [
  'cd /opt/cis490 && sudo -u cis490 git pull origin main',
  'sudo /opt/cis490/scripts/install-lab-host.sh',
  'sudo systemctl restart cis490-orchestrator',
];

const RELEASE = ['sudo systemctl start cis490-autoupdate.service', 'journalctl -u cis490-autoupdate -n 50 --no-pager'];

export interface RemediationOptions {
  /** The configuration's own commands, which replace all others. */
  configured: readonly string[] | undefined;
  installedFrom: 'git' | 'release' | undefined;
}

/** Shell commands, joined by newlines. */
export function remediationFor({ configured, installedFrom }: RemediationOptions): string {
  return (configured ?? (installedFrom === 'release' ? RELEASE : GIT)).join('\n');
}
