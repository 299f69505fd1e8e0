/** Errors of the evaluation: what Nix, Nixpkgs' `check-meta.nix` and nix-eval-jobs say. */

import { defineRules } from './define.ts';

export const EVAL_ERROR_RULES = defineRules(
  'eval-error',
  { rank: 'specific', scope: 'code', retry: 'no', confidence: 0.97, stages: ['evaluation'] },
  [
    {
      subclass: 'infinite-recursion',
      patterns: [
        'infinite recursion encountered',
        'stack overflow (possible infinite recursion)',
        'stack overflow; max-call-depth exceeded',
        '(possible infinite recursion)',
      ],
      confidence: 0.98,
      explanation: 'The expression refers to itself: follow the trace to the attribute that needs itself.',
      examples: [
        'error: stack overflow; max-call-depth exceeded',
        'evaluation worker got killed by SIGSEGV, (possible infinite recursion)',
      ],
    },
    {
      subclass: 'missing-attribute',
      patterns: [
        "attribute '{attribute}' missing",
        /attribute '(?<attribute>[^']{1,200})' in selection path '[^']{1,200}' not found/,
        "does not provide attribute '{attribute}'",
        "attribute path '{attribute}' not found",
        /references non-existent job '(?<attribute>[^']{1,120})'/,
        /error: '?(?<attribute>[\w.-]{2,80})'? (?:has been|was) (?:removed|renamed|dropped|deprecated)/,
      ],
      confidence: 0.95,
      explanation:
        'The attribute {attribute|named in the line} does not exist: look for a rename or a removed alias.',
      examples: [
        "error: attribute 'cudnn_9_11' missing",
        "error: flake 'path:/w' does not provide attribute 'packages.x86_64-linux.vllm', 'legacyPackages.x86_64-linux.vllm' or 'vllm'",
      ],
    },
    {
      subclass: 'undefined-variable',
      patterns: ["undefined variable '{variable}'"],
      confidence: 0.96,
      explanation: 'The variable {variable} is not defined: add it to the arguments, or correct its name.',
      examples: ["error: undefined variable 'cudaPackages_13'", "error: undefined variable 'lib'"],
    },
    {
      subclass: 'wrong-argument',
      patterns: [
        "called with unexpected argument '{argument}'",
        "called without required argument '{argument}'",
        /[Ff]unction called without required argument "(?<argument>[^"]{1,80})"/,
      ],
      confidence: 0.95,
      explanation:
        'A function is called with the wrong arguments ({argument}): compare caller and definition.',
      examples: [
        "error: function 'anonymous lambda' called with unexpected argument 'cudaSupport'",
        "error: function 'anonymous lambda' called without required argument 'nccl'",
      ],
    },
    {
      subclass: 'type-error',
      patterns: [
        /error: cannot coerce (?<type>\w[\w ]{2,40}) to a string/,
        /error: (?:value is|expected) (?<type>an? [\w ]{3,30})(?: while| but found)/,
        /(?:^|: )value is (?<type>(?:an? )?[\w ]{3,30}) while an? [\w ]{3,30} was expected/,
        'error: division by zero',
        'attempt to call something which is not a function',
        /error: cannot (?:compare|add) (?<type>an? (?:set|list|string|integer|function|null|Boolean|path)\b.{0,30})/,
        /error: list index \d{1,6} is out of bounds/,
        '[json.exception.type_error',
      ],
      confidence: 0.93,
      explanation: 'A value has the wrong type: follow the trace to where it comes from.',
      examples: [
        'error: cannot coerce a set to a string: { x = 1; }',
        'error: expected a list but found a string: "sm_89"',
      ],
    },
    {
      subclass: 'assertion-failed',
      patterns: [
        /error: assertion '(?<assertion>.{1,200})' failed/,
        /error: assertion (?<assertion>.{1,200}) failed at/,
        'Failed assertions:',
      ],
      confidence: 0.94,
      explanation: 'An assertion of the expression failed: read its condition, it names what does not fit.',
      examples: [
        "error: assertion '(cudaSupport -> cudaPackages.nccl.meta.available)' failed",
        'error: assertion (cudaSupport && !rocmSupport) failed at /s/torch.nix:70:1',
      ],
    },
    {
      subclass: 'syntax-error',
      patterns: [
        /error: syntax error, unexpected (?<token>.{1,60})/,
        /error: attribute '(?<token>[^']{1,60})' already defined at/,
      ],
      explanation: 'The expression does not parse: correct the place named in the line.',
      examples: [
        "error: syntax error, unexpected '}', expecting ';'",
        'error: syntax error, unexpected end of file',
      ],
    },
    {
      subclass: 'missing-file',
      patterns: [
        /error: (?:getting status of|opening file|path|reading directory) '(?<path>[^']{1,300})'(?:: No such file| does not exist(?! and cannot))/,
        "file '{path}' was not found in the Nix search path",
        /error: cannot look up '<(?<path>[^']{1,120})>' in pure evaluation mode/,
        /error: getting the HEAD of the Git tree '(?<path>[^']{1,300})'/,
        /error: access to (?:absolute )?(?:path|URI) '(?<path>[^']{1,300})' is forbidden/,
      ],
      confidence: 0.9,
      explanation:
        'The evaluation reads {path|a file} that is not there or not allowed: add it to git, or make it an input.',
      examples: [
        "error: getting status of '/nix/store/abc-source/pkgs/x.nix': No such file or directory",
        "error: file 'nixpkgs' was not found in the Nix search path (add it using $NIX_PATH or -I)",
      ],
    },
    {
      subclass: 'flake-lock-outdated',
      patterns: [
        'requires lock file changes but they',
        'cannot update unlocked flake input',
        'cannot write modified lock file',
      ],
      explanation: 'The lock file does not match the inputs: run `nix flake lock` and commit it.',
      examples: [
        "error: flake 'git+file:///w' requires lock file changes but they're not allowed due to '--no-write-lock-file'",
        "error: cannot update unlocked flake input 'nixpkgs' in pure mode",
      ],
    },
    {
      subclass: 'ifd-disabled',
      patterns: ["'allow-import-from-derivation' is", /cannot build '[^']{1,300}' during evaluation/],
      explanation:
        'The evaluation needs a build and that is not allowed: commit the generated file, or allow it for the jobset.',
      examples: [
        "error: cannot build '/nix/store/a-x.drv' during evaluation because the option 'allow-import-from-derivation' is disabled",
        "error: attempted to realize '/nix/store/b-y.drv' during evaluation but 'allow-import-from-derivation' is false",
      ],
    },
    {
      subclass: 'ifd-wrong-system',
      patterns: [/a '(?<system>[\w-]{5,40})' is required to build '/],
      when: [
        /(?:hydra|nix)-eval-jobs/,
        'while evaluating',
        'during evaluation',
        'while realising the context',
      ],
      confidence: 0.93,
      explanation:
        'The evaluation must build for {system|another system} first: avoid import from derivation there.',
      examples: [
        "error: a 'aarch64-linux' is required to build '/nix/store/q-gen.drv', but I am a 'x86_64-linux'\n… while evaluating the attribute 'src'",
        "nix-eval-jobs: worker error\nerror: a 'x86_64-darwin' is required to build '/nix/store/q-a.drv', but I am a 'x86_64-linux'",
      ],
    },
    {
      subclass: 'module-option',
      patterns: [
        /The option [`'](?<option>[^'`]{1,120})' (?:does not exist|can no longer be used|is used but not defined|has conflicting definition|was accessed but has no value)/,
        /A definition for option [`'](?<option>[^'`]{1,120})' is not of type/,
      ],
      confidence: 0.95,
      explanation: 'The NixOS option {option} is wrong: look for a rename, or for two modules that disagree.',
      examples: [
        "error: The option `hardware.nvidia.open' is used but not defined.",
        "error: A definition for option `hardware.graphics.enable' is not of type `boolean'.",
      ],
    },
    {
      subclass: 'eval-oom',
      patterns: [
        'maybe memory limit reached?',
        'GC Warning: Failed to expand heap',
        'Too many heap sections',
        'Out of Memory! Returning NULL!',
        /(?:hydra|nix)-eval-jobs returned signal 9\b/,
        'unexpected EOF reading a line',
      ],
      scope: 'infrastructure',
      retry: 'bigger',
      confidence: 0.9,
      explanation: 'The evaluation ran out of memory: give its workers more, or split the jobset.',
      examples: [
        'evaluation worker got killed by SIGKILL, maybe memory limit reached?',
        'GC Warning: Failed to expand heap by 1073741824 bytes',
      ],
    },
    {
      subclass: 'evaluator-crashed',
      rank: 'consequence',
      patterns: [/evaluation worker exited with \d/, /evaluation worker got killed by (?!SIGKILL)\w/],
      retry: 'same',
      scope: 'infrastructure',
      confidence: 0.75,
      explanation: 'A worker of the evaluation died: read what it said before, and try once more.',
      examples: ['evaluation worker exited with 1', 'evaluation worker got killed by SIGABRT'],
    },
    {
      subclass: 'not-a-derivation',
      patterns: [
        /flake (?:output )?attribute '[^']{1,200}' is not a derivation/,
        /error: '?[^']{1,120}'? (?:is not a derivation|does not evaluate to a derivation)/,
        /flake '[^']{1,200}' does not provide/,
      ],
      confidence: 0.94,
      explanation: 'The attribute is no derivation: name a package, or list it in the jobset otherwise.',
      examples: [
        "error: flake output attribute 'lib' is not a derivation or path",
        'error: expression does not evaluate to a derivation (or a set or list of those)',
      ],
    },
    {
      id: 'eval-trace',
      subclass: 'error-not-in-trace',
      rank: 'vague',
      patterns: [/^… (?:while (?:evaluating|calling)|from call site)/],
      confidence: 0.7,
      explanation: 'The trace of an evaluation without its error: fetch the end of the log.',
      examples: [
        "… while evaluating the attribute 'drvPath'\nat /x.nix:3:1:",
        '… from call site\nat /nix/store/a-source/lib/modules.nix:1145:80:',
      ],
    },
    {
      id: 'eval-in-trace',
      subclass: 'unrecognised-eval-error',
      rank: 'vague',
      patterns: [/^error: (?<message>.{4,160})/],
      when: [
        /^… (?:while|from call site|in the)/,
        /^at (?:\/nix\/store|\S{1,160}\.nix:\d)/,
        'stack trace truncated',
      ],
      excludes: [
        /^error: (?:builder for|build of|\d{1,6} dependenc|[Cc]annot build|some errors|command '|subprocess)/,
      ],
      confidence: 0.7,
      explanation: 'The evaluation failed and no rule knows its error: read it with the trace above.',
      examples: [
        "… while calling the 'head' builtin\nerror: string 'a' is no known colour",
        "… while evaluating the attribute 'drvPath'\nerror: path 'x' has a trailing slash",
      ],
    },
    {
      id: 'eval-in-evaluation',
      subclass: 'unrecognised-eval-error',
      rank: 'vague',
      stages: ['evaluation'],
      stageRequired: true,
      patterns: [/^error: (?<message>.{4,160})/],
      confidence: 0.75,
      explanation: 'The evaluation failed and no rule knows its error: read it, and add a rule for it.',
      examples: [
        'error: no known colour is called 3',
        "error: getting status of '/x.nix': Permission denied",
      ],
    },
    {
      id: 'eval-throw',
      subclass: 'thrown',
      rank: 'consequence',
      patterns: [/^error: (?<message>.{4,160})/],
      when: [/^… while calling the '(?:throw|abort)' builtin/],
      excludes: [
        /^error: (?:builder for|build of|\d{1,6} dependenc|[Cc]annot build|some errors|evaluation aborted|attribute|undefined)/,
      ],
      confidence: 0.82,
      explanation: 'The expression refuses by its own words: read them in the line.',
      examples: [
        "error:\n       … while calling the 'throw' builtin\n         at /x.nix:1:1:\n\n       error: cutensor 2 needs CUDA 12",
        "… while calling the 'throw' builtin\nerror: This version of nccl has no source",
      ],
    },
    {
      id: 'eval-thrown',
      subclass: 'thrown',
      rank: 'consequence',
      patterns: [
        'evaluation aborted with the following error message: {message}',
        /error: in job '.{1,200}': (?<message>.{1,160})/,
      ],
      confidence: 0.75,
      explanation: 'The expression refuses by its own words: read them in the line.',
      examples: [
        "error: evaluation aborted with the following error message: 'lib.customisation.callPackageWith: unknown name'",
        "error: in job 'torch.x86_64-linux': tests are missing",
      ],
    },
  ],
);
