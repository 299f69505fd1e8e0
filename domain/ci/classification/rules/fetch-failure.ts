/** Downloads and substitutes that did not arrive, or not as promised. */

import { defineRules } from './define.ts';

export const FETCH_FAILURE_RULES = defineRules(
  'fetch-failure',
  { rank: 'specific', scope: 'upstream', retry: 'no', confidence: 0.95 },
  [
    {
      subclass: 'hash-mismatch',
      speaker: 'nix',
      patterns: [
        "hash mismatch in fixed-output derivation '{derivation}'",
        /has \S{2,12} hash '\S{1,70}' when/,
        "hash mismatch in file downloaded from '{url}'",
        'hash mismatch in fixed-output derivation',
        /should have \S{2,12} hash '\S{1,70}', instead has/,
      ],
      confidence: 0.99,
      explanation:
        'The download differs from its pinned hash: check what upstream changed, then update the hash.',
      examples: [
        "error: hash mismatch in fixed-output derivation '/nix/store/c-nccl-source.drv':\n  specified: sha256-GL=\n got: sha256-hD=",
        'output path ‘/nix/store/b-cub’ has sha256 hash ‘0a1b2c3d4e5f6g7h8i9j0k1l2m’ when ‘1z1b2c3d4e5f6g7h8i9j0k1l2m’ was expected',
      ],
    },
    {
      subclass: 'hash-placeholder',
      speaker: 'nix',
      patterns: ["hash mismatch in fixed-output derivation '{derivation}'"],
      when: [/specified: {1,8}sha(?:256|512)-A{40,90}=/, /specified: {1,8}sha256:0{40}/],
      scope: 'code',
      confidence: 0.99,
      explanation:
        "The recipe still holds a placeholder hash (lib.fakeHash): put the line's `got:` value in its place.",
      examples: [
        "error: hash mismatch in fixed-output derivation '/nix/store/c-a.drv':\n specified: sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n got: sha256-x=",
        "error: hash mismatch in fixed-output derivation '/nix/store/c-b.drv':\n specified: sha256:0000000000000000000000000000000000000000000000000000\n got: sha256:1x",
      ],
    },
    {
      subclass: 'vendor-hash-outdated',
      patterns: [
        'cargoHash or cargoSha256 is out of date',
        'npmDepsHash is out of date',
        'DO NOT MATCH THE HASHES FROM THE REQUIREMENTS',
      ],
      scope: 'code',
      explanation: 'The vendored dependencies belong to another version: update their hash.',
      examples: ['ERROR: cargoHash or cargoSha256 is out of date', 'ERROR: npmDepsHash is out of date'],
    },
    {
      subclass: 'http-404',
      patterns: [
        /curl: \(22\) The requested URL returned error: (?:404|406|410)/,
        /HTTP error (?:404|406|410)\b/,
        /HTTP Error (?:404|406|410): /,
        /status code:? (?:404|410)\b/,
        /ERROR 404: Not Found/,
        /server returned error: HTTP\/[\d.]{1,3} (?:404|410)\b/,
      ],
      confidence: 0.92,
      explanation:
        'The source is gone from its address: find a new one or a mirror, the pinned hash may stay.',
      examples: [
        'curl: (22) The requested URL returned error: 404 Not Found',
        "error: unable to download 'https://example.org/x.tar.gz': HTTP error 404",
      ],
    },
    {
      subclass: 'rate-limited',
      patterns: [
        /(?:API )?rate limit exceeded/,
        /HTTP error 429/,
        /returned error: 429/,
        /429 Too Many Requests/,
      ],
      scope: 'infrastructure',
      retry: 'same',
      explanation: 'The server allows no more requests for now: wait, and give Nix an access token for it.',
      examples: [
        'API rate limit exceeded for 203.0.113.9.',
        'curl: (22) The requested URL returned error: 429',
      ],
    },
    {
      subclass: 'manual-download-required',
      patterns: [
        /Unfortunately, we cannot download file (?<file>\S{1,120}) automatically/,
        /This nix expression requires that (?<file>\S{1,120}) is already part of the store/,
      ],
      scope: 'code',
      retry: 'fix',
      explanation:
        '{file} cannot be fetched by a machine: a person adds it to the store with nix-store --add-fixed.',
      examples: [
        'Unfortunately, we cannot download file TensorRT-10.9.0.34.Linux.x86_64-gnu.cuda-12.8.tar.gz automatically.',
        'This nix expression requires that NVIDIA-OptiX-SDK-8.0.0-linux64.sh is already part of the store.',
      ],
    },
    {
      id: 'flake-input-hash',
      subclass: 'hash-mismatch',
      patterns: [
        /NAR hash mismatch in input '(?<input>[^']{1,300})'/,
        /mismatch in (?:field|attribute) 'narHash'/,
      ],
      confidence: 0.97,
      explanation:
        'A locked input differs from its hash: look at what changed upstream, then update the lock file.',
      examples: [
        "error: NAR hash mismatch in input 'github:NixOS/nixpkgs/abc' (/nix/store/a-source), expected 'sha256-a=', got 'sha256-b='",
        "error: mismatch in field 'narHash' of input 'github:x/y'",
      ],
    },
    {
      subclass: 'http-forbidden',
      patterns: [
        /curl: \(22\) The requested URL returned error: (?:401|403|451)/,
        /HTTP error (?:401|403|451)\b/,
        /(?:ERROR|HTTP Error|server returned error: HTTP\/[\d.]{1,3}) (?:401|403|451)\b/,
      ],
      confidence: 0.88,
      explanation: 'The server refuses the download: check whether it needs a login, or bars this address.',
      examples: [
        'curl: (22) The requested URL returned error: 403 Forbidden',
        "error: unable to download 'https://api.ngc.nvidia.com/v2/x': HTTP error 401",
      ],
    },
    {
      subclass: 'git-revision-gone',
      patterns: [
        /fatal: (?:repository '[^']{1,300}' not found|couldn't find remote ref|reference is not a tree|remote error: upload-pack: not our ref)/,
        'remote: Repository not found.',
        /error: Server does not allow request for unadvertised object/,
        /Cannot find Git revision '[^']{1,60}'/,
        /getting Git object '[^']{1,60}': /,
      ],
      confidence: 0.92,
      explanation: 'The repository or revision no longer exists upstream: find where it moved.',
      examples: [
        "fatal: couldn't find remote ref refs/tags/v2.1.0",
        'fatal: reference is not a tree: 8f3b1c',
      ],
    },
    {
      subclass: 'malformed-url',
      patterns: [
        'curl: (3) ',
        'URL using bad/illegal format or missing URL',
        /Could not resolve host: (?:null|https?|undefined|none|None|\$)(?:\W|$)/,
        /curl: \(1\) Protocol .{1,40} (?:not supported|disabled)/,
        /unsupported (?:URL|url) (?:protocol|scheme)/,
      ],
      scope: 'code',
      explanation: 'The recipe makes an address that is none: look for an empty or missing value in its URL.',
      examples: [
        'curl: (3) URL using bad/illegal format or missing URL',
        'curl: (6) Could not resolve host: undefined',
        'curl: (1) Protocol "mirror" not supported or disabled in libcurl',
      ],
    },
    {
      subclass: 'network-transient',
      patterns: [
        /curl: \((?:5|6|7|16|18|28|35|52|55|56|92|95)\) /,
        /curl: \(22\) The requested URL returned error: (?:408|5\d\d)/,
        /HTTP error (?:200|408|5\d\d)\b/,
        /\(curl error: /,
        /unable to download '[^']{1,400}': (?:Couldn't|Could not|Timeout|Failed to connect|SSL connect|Stream error)/,
        'Stream error in the HTTP/2 framing layer',
        /fatal: unable to access '[^']{1,300}': (?:Could not resolve|Failed to connect|Operation timed out|Recv failure|gnutls)/,
        /error: RPC failed; (?:curl|HTTP)/,
        'fatal: early EOF',
        /fatal: clone of '[^']{1,300}' into submodule path '[^']{1,300}' failed/,
        /Failed to clone '[^']{1,200}' a second time, aborting/,
        /Could not resolve host(?:name)?:? \S{1,80}\.\w/,
        /[Cc]url error:? \d{1,2}\)/,
        /^go: .{1,200}: dial tcp/,
        /(?:Connection reset by peer|Connection timed out|connection refused).{0,80}https?:\/\//,
      ],
      excludes: [
        /Could not resolve host: (?:null|https?|undefined|none|None|\$)(?:\W|$)/,
        /^warning: |^ssh: /,
      ],
      scope: 'infrastructure',
      retry: 'same',
      confidence: 0.88,
      stages: ['fetch', 'build', 'evaluation'],
      explanation: 'The network failed: try again later; if it repeats, add a mirror.',
      examples: [
        'curl: (56) OpenSSL SSL_read: Connection reset by peer, errno 104',
        "error: unable to download 'https://cache.nixos.org/x.narinfo': HTTP error 503",
        'curl: (6) Could not resolve host: developer.download.nvidia.com',
      ],
    },
    {
      id: 'network-retried',
      subclass: 'network-transient',
      // A retry that may have succeeded: it explains a log that holds nothing else, never a failure beside it.
      rank: 'report',
      patterns: [/^warning: (?:error: )?unable to download '[^']{1,400}': /],
      scope: 'infrastructure',
      retry: 'same',
      confidence: 0.75,
      explanation: 'A download failed and was tried again: if the attempt failed, look for its last error.',
      examples: [
        "warning: unable to download 'https://cache.nixos.org/nix-cache-info': Couldn't resolve host name (6)",
        "warning: error: unable to download 'https://example.org/a.run': HTTP error 503; retrying in 301 ms",
      ],
    },
    {
      subclass: 'tls-certificate',
      patterns: [
        /curl: \((?:51|60|77)\) /,
        'SSL certificate problem:',
        'server certificate verification failed',
      ],
      scope: 'host',
      retry: 'fix',
      confidence: 0.85,
      explanation:
        "The server's certificate was not accepted: check the clock and the certificates of the builder.",
      examples: [
        'curl: (60) SSL certificate problem: certificate has expired',
        "fatal: unable to access 'https://x/': server certificate verification failed. CAfile: none CRLfile: none",
      ],
    },
    {
      subclass: 'corrupt-archive',
      patterns: [
        'gzip: stdin: not in gzip format',
        'gzip: stdin: unexpected end of file',
        'tar: This does not look like a tar archive',
        'xz: (stdin): File format not recognized',
        'End-of-central-directory signature not found',
      ],
      confidence: 0.8,
      explanation:
        'The downloaded file is no archive: look at it, often it is an error page with the right name.',
      examples: ['gzip: stdin: not in gzip format', 'tar: This does not look like a tar archive'],
    },
    {
      subclass: 'all-mirrors-failed',
      rank: 'consequence',
      patterns: ['cannot download {file} from any mirror'],
      retry: 'same',
      confidence: 0.75,
      explanation: 'No mirror delivered {file}: try again, then look for a new address.',
      examples: [
        'error: cannot download cudnn-9.tar.xz from any mirror',
        'error: cannot download source from any mirror',
      ],
    },
  ],
);
