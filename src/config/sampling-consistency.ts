import { addressBlock } from '../base/address-block.ts';
import type { Problem } from './config-error.ts';
import type { Config } from './schema.ts';

/** Below the median, "slow" would be most messages. */
const LEAST_QUANTILE = 0.5;
const RULES = 'telemetry.sampling.rules';

/** What is wrong with the rates and thresholds of sampling. */
export function checkSampling({ telemetry: { sampling } }: Config): Problem[] {
  return [...checkQuantile(sampling.slowQuantile), ...checkAddresses(sampling.rules), ...checkReach(sampling.rules)];
}

type Rules = Config['telemetry']['sampling']['rules'];

function checkQuantile(quantile: number): Problem[] {
  if (quantile === 0 || quantile >= LEAST_QUANTILE) return [];
  const key = 'telemetry.sampling.slow_quantile';
  return [{ key, sentence: `${key} = ${quantile}: must be 0 or at least ${LEAST_QUANTILE}, such as 0.999` }];
}

function checkAddresses(rules: Rules): Problem[] {
  return rules.flatMap(({ address }, index) => {
    if (address === undefined || addressBlock(address) !== undefined) return [];
    const key = `${RULES}.${index}.address`;
    const told = `${key} = ${JSON.stringify(address)}`;
    return [{ key, sentence: `${told}: must be an IP address or a CIDR block, such as 10.0.0.0/8` }];
  });
}

/** A rule for everything is the rate itself, and whatever stands behind it never counts. */
function checkReach(rules: Rules): Problem[] {
  return rules.flatMap((rule, index) => {
    const conditions = Object.entries(rule).filter(([name, value]) => name !== 'rate' && value !== undefined);
    if (conditions.length > 0) return [];
    const key = `${RULES}.${index}`;
    return [{ key, sentence: `${key} holds for every trace: say whose, or set telemetry.sampling.rate` }];
  });
}
