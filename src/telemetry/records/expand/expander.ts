import { type AttributePolicy, DISCREET } from '../../attribute-policy.ts';
import type { RecordBlock, RingReader } from '../../ring/ring-reader.ts';
import { RECORD } from '../record-kinds.ts';
import { TraceIds } from '../trace-ids.ts';
import { type BrokerIdentity, identityTexts } from './common-attributes.ts';
import { CommitExpansion } from './expand-commit.ts';
import { MessagesExpansion } from './expand-messages.ts';
import { PushExpansion } from './expand-push.ts';
import { RunExpansion } from './expand-run.ts';
import { SpanExpansion } from './expand-span.ts';
import type { Expansion } from './expansion.ts';
import { RecordSource } from './record-source.ts';
import { SemanticExpansion } from './semantic-expansion.ts';
import { SemanticVisitor } from './semantic-visitor.ts';

const KIND_MASK = 0xff;

/** Makes spans of records. `seed` as the writer's TraceIds have it. */
export class Expander {
  readonly source: RecordSource;
  readonly #expansions: (SemanticExpansion | undefined)[] = [];

  constructor(reader: RingReader, seed: Uint32Array, broker: BrokerIdentity, policy: AttributePolicy = DISCREET) {
    this.source = new RecordSource(reader);
    const texts = identityTexts(broker);
    const semantics = new SemanticVisitor(policy);
    const add = (kind: number, expansion: Expansion): void => {
      this.#expansions[kind] = new SemanticExpansion(expansion, semantics);
    };
    add(RECORD.run, new RunExpansion(this.source, new TraceIds(seed), texts));
    add(RECORD.messages, new MessagesExpansion(this.source, texts));
    add(RECORD.commit, new CommitExpansion(this.source));
    add(RECORD.push, new PushExpansion(this.source));
    add(RECORD.span, new SpanExpansion(this.source));
  }

  /** Undefined for records that stand for no spans: texts, clients, extras. */
  of({ u32 }: RecordBlock, at: number): SemanticExpansion | undefined {
    return this.#expansions[u32[at * 2]! & KIND_MASK];
  }
}
