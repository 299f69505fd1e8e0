/** The example jobsets as files: valid configurations, and expectations that agree with them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  capabilityOf,
  deviceCodeFor,
  parseArchitecture,
  parseComputeCapability,
} from '../../domain/ci/architecture.ts';
import type { JobsetVariant } from '../../domain/ci/jobset-config.ts';
import { parseJobsetConfig } from '../../domain/ci/jobset-config.ts';
import { isOutcome } from '../../domain/ci/outcome.ts';
import { describe, test } from '../support/test.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');

interface ExpectedJob {
  readonly name: string;
  readonly variant: string | null;
  readonly outcome: string;
  readonly class?: string;
  readonly fault?: string;
  readonly evidence?: string;
  readonly path?: string;
  readonly root?: string;
  readonly standIn?: Record<string, string>;
}

interface Wheel {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
}

function read(...path: string[]): string {
  return readFileSync(join(EXAMPLES, ...path), 'utf8');
}

function jobsOf(example: string): ExpectedJob[] {
  return (JSON.parse(read(example, 'expectations.json')) as { jobs: ExpectedJob[] }).jobs;
}

function variantOf(job: ExpectedJob): JobsetVariant {
  const { variants } = parseJobsetConfig(JSON.parse(read('cuda', 'jobset.json')));
  const variant = variants.find(({ name }) => name === job.variant);
  assert.ok(variant, `${job.name}: no variant is called ${job.variant}`);
  return variant;
}

describe('the example jobsets', () => {
  for (const example of ['cuda', 'minimal']) {
    test(`${example}: the configuration is valid`, () => {
      assert.equal(parseJobsetConfig(JSON.parse(read(example, 'jobset.json'))).name, example);
    });

    test(`${example}: each job is expected once, with a known outcome`, () => {
      const keys = jobsOf(example).map(({ name, variant }) => `${name} (${variant})`);
      assert.ok(keys.length >= 30);
      assert.equal(new Set(keys).size, keys.length);
      for (const { name, outcome } of jobsOf(example)) assert.ok(isOutcome(outcome), `${name}: ${outcome}`);
    });
  }

  test('minimal: every job is good', () => {
    assert.deepEqual([...new Set(jobsOf('minimal').map(({ outcome }) => outcome))], ['built']);
  });

  test('cuda: each fault says whose it is and what shows it', () => {
    const faults = jobsOf('cuda').filter((job) => job.class !== undefined);
    assert.ok(faults.length >= 10);
    for (const { name, fault, evidence, path } of faults) {
      assert.ok(fault !== undefined && (evidence ?? path) !== undefined, name);
    }
  });

  test('cuda: each dependent names a root that is expected to be at fault', () => {
    const jobs = jobsOf('cuda');
    for (const job of jobs.filter(({ outcome }) => outcome === 'dependency-failed')) {
      const root = jobs.find(({ name, variant }) => name === job.root && variant === job.variant);
      assert.ok(root?.class !== undefined, `${job.name}: ${job.root}`);
    }
  });

  test('cuda: checks are scheduled on the stand-ins for which their variant holds device code', () => {
    for (const job of jobsOf('cuda')) {
      for (const [architecture, outcome] of Object.entries(job.standIn ?? {})) {
        const { cudaCapabilities = [], cudaForwardCompat } = variantOf(job);
        const code = deviceCodeFor(
          cudaCapabilities.map(parseComputeCapability),
          cudaForwardCompat,
          capabilityOf(parseArchitecture(architecture)),
        );
        assert.equal(
          outcome === 'not-scheduled',
          code === 'none',
          `${job.name}, ${job.variant}, ${architecture}`,
        );
      }
    }
  });

  test('cuda: wheels.json and requirements.txt pin the same files', () => {
    const { systems } = JSON.parse(read('cuda', 'wheels.json')) as { systems: Record<string, Wheel[]> };
    const requirements = read('cuda', 'requirements.txt')
      .split(/^(?=nvidia)/mu)
      .slice(1);
    for (const wheels of Object.values(systems)) {
      assert.equal(wheels.length, requirements.length);
      for (const { name, version, sha256 } of wheels) {
        const requirement = requirements.find((line) => line.startsWith(`${name}==${version} `));
        assert.ok(requirement?.includes(`--hash=sha256:${sha256}`), name);
      }
    }
  });
});
