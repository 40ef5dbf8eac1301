import type { Problem } from './config-error.ts';
import { type Setting, settingFromText } from './setting.ts';

/** What the command line says about the configuration. */
export interface ConfigFlags {
  /** `host:port` of the first listener; an IPv6 address in brackets. */
  readonly listen?: string;
  readonly dataDir?: string;
  /** Names with commas between. */
  readonly roles?: string;
  readonly logLevel?: string;
  /** `key=value`, the key a dotted path of TOML names and array indexes. */
  readonly set?: readonly string[];
}

export function settingsFromFlags(flags: ConfigFlags): { settings: Setting[]; problems: Problem[] } {
  const settings: Setting[] = [];
  const problems: Problem[] = [];
  for (const assignment of flags.set ?? []) {
    const [, key, text] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
    if (key === undefined || text === undefined)
      problems.push({ key: '', sentence: '--set must be key=value, as in --set mqtt.max_qos=1' });
    else settings.push(settingFromText(key.trim().split('.'), text, `--set ${key.trim()}`));
  }
  if (flags.listen !== undefined) {
    const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(flags.listen) ?? [];
    const address = bracketed ?? plain;
    if (address === undefined || port === undefined)
      problems.push({
        key: 'listeners.0',
        sentence: `--listen ${flags.listen}: must be host:port, as in 127.0.0.1:1883 or [::1]:1883`,
      });
    else
      settings.push(
        settingFromText(['listeners', '0', 'address'], address, '--listen'),
        settingFromText(['listeners', '0', 'port'], port, '--listen'),
      );
  }
  if (flags.dataDir !== undefined) settings.push(settingFromText(['data_dir'], flags.dataDir, '--data-dir'));
  if (flags.roles !== undefined) settings.push(settingFromText(['roles'], flags.roles, '--roles'));
  if (flags.logLevel !== undefined) settings.push(settingFromText(['log', 'level'], flags.logLevel, '--log-level'));
  return { settings, problems };
}
