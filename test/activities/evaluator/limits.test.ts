/** Limits, cancellation and delivery: what ends an evaluation early, and that nothing of it is left. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { describeWithEachNix, evaluateExpression, ROOT } from '../../support/evaluate.ts';

/** Ends after minutes, without much memory. */
const SLOW = fib(60);

function fib(n: number): string {
  return `let fib = n: if n < 2 then n else fib (n - 1) + fib (n - 2); in fib ${n}`;
}

function countProcesses(): number {
  return findProcesses('').length;
}

/** Kills processes whose request holds a text, and says how many. */
function killProcesses(text: string): number {
  return findProcesses(text).filter((pid) => {
    try {
      return process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
      return false;
    }
  }).length;
}

/** Processes that evaluate a file of this test: their request names it. */
function findProcesses(text: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.map(Number).filter((pid) => {
    try {
      const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return commandLine.includes(`${ROOT}/case-`) && commandLine.includes(text);
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
}

describeWithEachNix('limits', ({ environment }) => {
  test('jobs arrive while other attributes are still being evaluated', async () => {
    const cancel = new AbortController();
    const reason = new Error('seen enough');
    let seenRunning = 0;
    const evaluation = evaluateExpression(`{ a = drv "a"; slow = ${SLOW}; }`, {
      environment,
      // One process has both attributes, so the job comes out of a process that goes on.
      workers: 1,
      signal: cancel.signal,
      onItems: async (items) => {
        assert.deepEqual(
          items.map(({ attrPath }) => attrPath),
          [['a']],
        );
        seenRunning = countProcesses();
        cancel.abort(reason);
      },
    });
    await assert.rejects(evaluation, reason);
    assert.equal(seenRunning, 1);
  });

  test('a process that is killed costs nothing: its attribute is tried again, alone, and the rest goes on', async () => {
    let killed = 0;
    const { jobs, errors, end } = await evaluateExpression(
      `{ a = drv "a"; b = builtins.seq (${fib(26)}) (drv "b"); z = drv "z"; }`,
      {
        environment,
        workers: 1,
        onItems: async () => {
          if (killed === 0) killed = killProcesses('"a"');
        },
      },
    );
    assert.equal(killed, 1);
    assert.deepEqual(errors, {});
    assert.deepEqual(jobs, { a: 'a', b: 'b', z: 'z' });
    assert.deepEqual(end, { complete: true, message: null });
  });

  test('an attribute whose process is killed whenever it is tried has that as its error', async () => {
    const evaluation = evaluateExpression(
      `{ a = drv "a"; dies = builtins.seq (${SLOW}) (drv "dies"); z = drv "z"; }`,
      { environment },
    );
    const killing = setInterval(() => killProcesses('"dies"'), 5);
    const { jobs, errors } = await evaluation.finally(() => clearInterval(killing));
    assert.deepEqual(jobs, { a: 'a', z: 'z' });
    assert.match(errors['dies']?.message ?? '', /^error: the evaluator was killed by SIGKILL/);
  });

  test('a cancelled evaluation rejects with the reason and leaves no process', async () => {
    const cancel = new AbortController();
    const evaluation = evaluateExpression(`{ a = drv "a"; slow = ${SLOW}; slower = ${SLOW}; }`, {
      environment,
      signal: cancel.signal,
      onItems: async () => cancel.abort(new Error('cancelled')),
    });
    await assert.rejects(evaluation, { message: 'cancelled' });
    assert.equal(countProcesses(), 0);
  });

  test('an evaluation that is cancelled before it begins starts nothing', async () => {
    const signal = AbortSignal.abort(new Error('too late'));
    await assert.rejects(evaluateExpression('{ a = drv "a"; }', { environment, signal }), {
      message: 'too late',
    });
  });

  test('the time limit ends it, names the attribute, and keeps what was found', async () => {
    const { jobs, end } = await evaluateExpression(`{ a = drv "a"; "s.low" = ${SLOW}; z = drv "z"; }`, {
      environment,
      seconds: 1,
    });
    assert.equal(jobs['a'], 'a');
    assert.deepEqual(end, {
      complete: false,
      message:
        'the evaluation took longer than 1 s, which is limits.evaluationSeconds of the jobset; it was at "s.low"',
    });
    assert.equal(countProcesses(), 0);
  });

  test('more attributes than allowed end it', async () => {
    const { end } = await evaluateExpression(
      'builtins.listToAttrs (builtins.genList (n: { name = "a${toString n}"; value = drv "a"; }) 50)',
      { environment, maxAttributes: 20 },
    );
    assert.equal(end.complete, false);
    assert.match(end.message ?? '', /^more than 20 attributes, which is limits\.attributes of the jobset/);
  });

  test('what the consumer throws ends it', async () => {
    const evaluation = evaluateExpression(`{ a = drv "a"; slow = ${SLOW}; }`, {
      environment,
      onItems: () => Promise.reject(new Error('the database is away')),
    });
    await assert.rejects(evaluation, { message: 'the database is away' });
    assert.equal(countProcesses(), 0);
  });

  test('batches come one at a time, however slow the consumer', async () => {
    let inside = 0;
    let most = 0;
    const { jobs } = await evaluateExpression(
      'builtins.listToAttrs (builtins.genList (n: { name = "a${toString n}"; value = drv "a${toString n}"; }) 300)',
      {
        environment,
        onItems: async () => {
          most = Math.max(most, ++inside);
          await new Promise((resolve) => setImmediate(resolve));
          inside--;
        },
      },
    );
    assert.equal(Object.keys(jobs).length, 300);
    assert.equal(most, 1);
  });

  test('without nix-instantiate it fails as a whole, not attribute by attribute', async () => {
    await assert.rejects(evaluateExpression('{ a = drv "a"; }', { environment: { PATH: '/nowhere' } }), {
      message: /nix-instantiate cannot be run/,
    });
  });
});
