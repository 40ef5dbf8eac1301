import { placementContract } from '../../placement-contract.ts';
import { MemoryPlacement } from './memory-placement.ts';

placementContract(
  'memory',
  async (limits) => new MemoryPlacement(limits),
  async () => undefined,
);
